//! The random numbers of torch's generator on the CPU, to the bit.
//!
//! Sources: `ATen/core/MT19937RNGEngine.h`, `ATen/core/DistributionsHelper.h`,
//! `ATen/native/cpu/DistributionTemplates.h` and `avx_mathfun.h` of torch 2.15, in f32 on x86-64 with AVX2 or better.
//! There the compiler has fused multiplications with additions; wherever it did, [`f32::mul_add`] stands here. Other
//! processors run other code in torch, which differs by up to 2e-6; this one gives x86's numbers everywhere.

use std::f32::consts::TAU;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};

use crate::NoiseSource;

/// Torch draws in blocks of 16; fewer numbers are drawn one by one, by another algorithm.
const BLOCK: usize = 16;

/// `torch.randn` after `torch.manual_seed(seed)`: all draws come from one stream, in the order in which they are made.
///
/// Of a shape only the number of elements counts. Only the low 32 bits of the seed have any effect: this is so in
/// torch, where 42 and 2³² + 42 give the same picture.
///
/// ```
/// use gligen_schedulers::{NoiseSource, TorchNoise};
///
/// let device = gligen_testkit::devices().remove(0);
/// let noise = TorchNoise::new(42).normal([1, 1, 1, 2], &device);
/// assert_eq!(noise.into_data().try_into_vec_as::<f32>().unwrap(), [0.33669037, 0.1288094]);
/// ```
#[derive(Debug, Clone)]
pub struct TorchNoise {
    generator: Mt19937,
    /// The second number of a pair made one by one. It waits here past draws of whole blocks.
    cached: Option<f64>,
}

impl TorchNoise {
    /// The stream of `seed`; of a negative seed, its two's complement (`seed as u64`).
    pub fn new(seed: u64) -> Self {
        Self { generator: Mt19937::new(seed as u32), cached: None }
    }

    /// `torch.randn(count)` in f32.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return (0..count).map(|_| self.single() as f32).collect();
        }
        let mut numbers: Vec<f32> = (0..count).map(|_| self.uniform()).collect();
        numbers.chunks_exact_mut(BLOCK).for_each(box_muller);
        if !count.is_multiple_of(BLOCK) {
            // What is left over is not transformed by itself: the last 16 places are drawn afresh.
            let tail = &mut numbers[count - BLOCK..];
            tail.fill_with(|| self.uniform());
            box_muller(tail);
        }
        numbers
    }

    /// A number below 1 of 24 bits.
    fn uniform(&mut self) -> f32 {
        (self.generator.next() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    /// A number below 1 of 53 bits.
    fn uniform_f64(&mut self) -> f64 {
        let high = u64::from(self.generator.next());
        let word = high << 32 | u64::from(self.generator.next());
        (word & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64
    }

    /// One normal number; every second one was made with the one before.
    fn single(&mut self) -> f64 {
        if let Some(number) = self.cached.take() {
            return number;
        }
        let angle = std::f64::consts::TAU * self.uniform_f64();
        let radius = (-2.0 * libm::log1p(-self.uniform_f64())).sqrt();
        self.cached = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }
}

impl NoiseSource for TorchNoise {
    fn normal(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4> {
        let numbers = self.randn(shape.iter().product());
        Tensor::from_data(TensorData::new(numbers, shape), (device, DType::F32))
    }

    /// `torch.randn_like` of such a tensor: numbers are made one by one, in the order of memory.
    fn normal_channels_last(
        &mut self,
        [batch, channels, height, width]: [usize; 4],
        device: &Device,
    ) -> Tensor<4> {
        let count = batch * channels * height * width;
        let numbers: Vec<f32> = (0..count).map(|_| self.single() as f32).collect();
        let shape = [batch, height, width, channels];
        Tensor::<4>::from_data(TensorData::new(numbers, shape), (device, DType::F32)).permute([0, 3, 1, 2])
    }
}

/// Turns 16 uniform numbers into normal ones: the first eight give the radius, the others the angle.
fn box_muller(block: &mut [f32]) {
    let (radii, angles) = block.split_at_mut(BLOCK / 2);
    for (first, second) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * ln(1.0 - *first)).sqrt();
        let (sin, cos) = sin_cos(TAU * *second);
        (*first, *second) = (radius * cos, radius * sin);
    }
}

/// ln x for normal x > 0, by Cephes' polynomial.
#[allow(clippy::excessive_precision, reason = "the constants as they were published")]
fn ln(x: f32) -> f32 {
    const P: [f32; 9] = [
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ];
    const LN_2: [f32; 2] = [-2.12194440e-4, 0.693359375]; // low and high part

    let bits = x.to_bits();
    let mut exponent = ((bits >> 23) as i32 - 126) as f32;
    let mut m = f32::from_bits(bits & 0x007f_ffff | 0x3f00_0000); // [0.5, 1)
    if m < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        m = (m - 1.0) + m;
    } else {
        m -= 1.0;
    }
    let z = m * m;
    let polynomial = P[1..].iter().fold(P[0], |y, &p| y.mul_add(m, p)) * m;
    let y = polynomial.mul_add(z, exponent * LN_2[0]) - z * 0.5;
    (m + y) + exponent * LN_2[1]
}

/// Sine and cosine of x ≥ 0, by Cephes' polynomials on the octant.
#[allow(clippy::excessive_precision, reason = "the constants as they were published")]
fn sin_cos(x: f32) -> (f32, f32) {
    const PER_OCTANT: f32 = 1.27323954473516; // 4/π
    const MINUS_PI_4: [f32; 3] = [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8]; // in three parts
    const S: [f32; 3] = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1];
    const C: [f32; 3] = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2];

    let octant = ((x * PER_OCTANT) as i32 + 1) & !1;
    let x = MINUS_PI_4.iter().fold(x, |x, part| x + octant as f32 * part);
    let z = x * x;
    let cos = (C[0].mul_add(z, C[1]).mul_add(z, C[2]) * z).mul_add(z, -(z * 0.5)) + 1.0;
    let sin = (S[0].mul_add(z, S[1]).mul_add(z, S[2]) * z).mul_add(x, x);
    let (sin, cos) = if octant & 2 == 0 { (sin, cos) } else { (cos, sin) };
    (if octant & 4 == 0 { sin } else { -sin }, if (octant - 2) & 4 == 0 { -cos } else { cos })
}

/// The Mersenne Twister of Matsumoto and Nishimura (1998).
#[derive(Debug, Clone)]
struct Mt19937 {
    state: [u32; Self::N],
    used: usize,
}

impl Mt19937 {
    const N: usize = 624;
    const M: usize = 397;

    fn new(seed: u32) -> Self {
        let mut state = [seed; Self::N];
        for j in 1..Self::N {
            let before = state[j - 1];
            state[j] = (before ^ before >> 30).wrapping_mul(1_812_433_253).wrapping_add(j as u32);
        }
        Self { state, used: Self::N }
    }

    fn next(&mut self) -> u32 {
        if self.used == Self::N {
            self.twist();
        }
        let mut y = self.state[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    fn twist(&mut self) {
        for j in 0..Self::N {
            let y = self.state[j] & 0x8000_0000 | self.state[(j + 1) % Self::N] & 0x7fff_ffff;
            let odd = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[j] = self.state[(j + Self::M) % Self::N] ^ y >> 1 ^ odd;
        }
        self.used = 0;
    }
}
