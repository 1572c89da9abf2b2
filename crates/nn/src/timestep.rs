//! Timesteps as vectors.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::{Device, TensorData};

use crate::Linear;

/// Sinusoidal features of timesteps: `[timesteps, channels]`, for each of `channels / 2` frequencies from 1 down to
/// about 1/10000 the sines, then the cosines; the other way round with `flip_sin_to_cos`.
///
/// Source: diffusers `models/embeddings.py`, `get_timestep_embedding`, with its f32 arithmetic: a phase near 1000
/// that is rounded elsewhere would differ in the fifth digit.
pub fn timestep_features(
    timesteps: &[f64],
    channels: usize,
    flip_sin_to_cos: bool,
    freq_shift: f64,
    device: &Device,
) -> Tensor<2> {
    let half = channels / 2;
    let frequencies: Vec<f32> = (0..half)
        .map(|i| {
            let exponent = -(10_000f64.ln() as f32) * i as f32 / (half as f64 - freq_shift) as f32;
            f64::from(exponent).exp() as f32
        })
        .collect();
    let mut features = Vec::with_capacity(timesteps.len() * channels);
    for &timestep in timesteps {
        let phases = frequencies.iter().map(|frequency| timestep as f32 * frequency);
        let sines = phases.clone().map(f32::sin);
        let cosines = phases.map(f32::cos);
        if flip_sin_to_cos {
            features.extend(cosines.chain(sines));
        } else {
            features.extend(sines.chain(cosines));
        }
        features.resize(features.len().next_multiple_of(channels), 0.0); // an odd number of channels ends in a zero
    }
    Tensor::from_data(TensorData::new(features, [timesteps.len(), channels]), device)
}

/// The two-layer network that makes a time embedding of the features.
#[derive(Module, Debug)]
pub struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    /// From `channels` features to an embedding of `width`.
    pub fn new(channels: usize, width: usize, device: &Device) -> Self {
        Self {
            linear_1: Linear::new(channels, width, true, device),
            linear_2: Linear::new(width, width, true, device),
        }
    }

    /// `[timesteps, channels]` to `[timesteps, width]`.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.linear_2.forward(gligen_kernels::silu(self.linear_1.forward(features)))
    }
}
