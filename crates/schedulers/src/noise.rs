//! Where randomness comes in.

use std::f64::consts::TAU;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A stream of standard normal numbers. All randomness of a generation comes through it, so that a run can be
/// repeated, or made to agree with another program's.
pub trait NoiseSource {
    /// The next draw, `[batch, channels, height, width]`.
    fn normal(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4>;

    /// The next draw for a tensor whose channels are neighbours in memory, of the same shape. It is another one only
    /// where, as in torch, that shows.
    fn normal_channels_last(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4> {
        self.normal(shape, device)
    }
}

/// Our own generator: one stream for each image of a batch.
///
/// Row k of every draw comes from the stream of seed k alone. So an image does not depend on the others of its batch,
/// on its place among them, or on the number of threads, and it can be repeated by itself from its seed. The numbers
/// are the same on every platform and device: they are made on the host, by nothing but exactly defined operations.
///
/// A draw of one row, when there are several seeds, is noise that all images share (inpainting has such); it takes from
/// the first stream only.
///
/// A stream is the keystream of ChaCha20 (RFC 8439 with a 64-bit counter, nonce 0) under the seed as key (little
/// endian, filled up with zeros). Two 64-bit words a, b make a pair of normal numbers by Box and Muller in f64, with
/// u = (word >> 11) · 2⁻⁵³: √(−2 ln(1 − u_a)) times cos and sin of 2π u_b, rounded to f32. A draw with an odd number of
/// elements per row drops the second number of its last pair.
///
/// ```
/// use gligen_schedulers::{NoiseSource, SeededNoise};
///
/// let device = gligen_testkit::devices().remove(0);
/// let pair = SeededNoise::new(vec![7, 8]).normal([2, 4, 8, 8], &device);
/// let alone = SeededNoise::new(vec![8]).normal([1, 4, 8, 8], &device);
/// assert_eq!(pair.narrow(0, 1, 1).into_data(), alone.into_data());
/// ```
#[derive(Debug)]
pub struct SeededNoise {
    streams: Vec<ChaCha20Rng>,
}

impl SeededNoise {
    /// One stream per seed: `seeds[k]` is that of image k.
    pub fn new(seeds: Vec<u64>) -> Self {
        let stream = |seed: u64| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&seed.to_le_bytes());
            ChaCha20Rng::from_seed(key)
        };
        Self { streams: seeds.into_iter().map(stream).collect() }
    }
}

impl NoiseSource for SeededNoise {
    /// # Panics
    /// If the batch is neither 1 nor the number of seeds: which stream a row belongs to would be a guess.
    fn normal(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4> {
        let [batch, channels, height, width] = shape;
        assert!(
            batch == self.streams.len() || (batch == 1 && !self.streams.is_empty()),
            "a draw for {batch} images, but there are {} seeds",
            self.streams.len()
        );
        let row = channels * height * width;
        let mut numbers = vec![0.0; batch * row];
        for (numbers, stream) in numbers.chunks_mut(row.max(1)).zip(&mut self.streams) {
            fill(numbers, stream);
        }
        Tensor::from_data(TensorData::new(numbers, shape), (device, DType::F32))
    }
}

/// Normal numbers by Box and Muller.
fn fill(numbers: &mut [f32], stream: &mut ChaCha20Rng) {
    let mut uniform = || (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    for pair in numbers.chunks_mut(2) {
        // 1 − u is never 0. The functions of libm, because those of the platform differ in the last bit.
        let radius = (-2.0 * libm::log(1.0 - uniform())).sqrt();
        let angle = TAU * uniform();
        pair[0] = (radius * libm::cos(angle)) as f32;
        if let Some(second) = pair.get_mut(1) {
            *second = (radius * libm::sin(angle)) as f32;
        }
    }
}
