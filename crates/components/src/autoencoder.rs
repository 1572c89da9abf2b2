//! Pictures to latents and back.

use burn::Tensor;

use crate::BoxError;

/// The distribution of latents that an encoder gives for a batch of pictures: a diagonal Gaussian.
#[derive(Debug, Clone)]
pub struct Posterior {
    /// `[batch, channels, height, width]`.
    pub mean: Tensor<4>,
    /// Standard deviation, of the same shape.
    pub std: Tensor<4>,
}

impl Posterior {
    /// The most likely latents.
    pub fn mode(&self) -> Tensor<4> {
        self.mean.clone()
    }

    /// The latents that belong to `noise`, standard normal numbers of the same shape.
    pub fn sample(&self, noise: Tensor<4>) -> Tensor<4> {
        self.mean.clone() + self.std.clone() * noise
    }
}

/// Maps pictures to latents and back.
///
/// Pictures are `[batch, 3, height, width]` in -1..1. Latents are the network's own: a pipeline multiplies them by
/// [`Autoencoder::scaling_factor`] before diffusion and divides by it after.
pub trait Autoencoder: Send + Sync {
    /// Factor that gives the latents about unit variance.
    fn scaling_factor(&self) -> f64;

    /// Pixels on a side of the square that one latent stands for: 8 in Stable Diffusion.
    fn downscale(&self) -> usize;

    /// Encodes pictures whose sides are multiples of [`Autoencoder::downscale`].
    fn encode(&self, pictures: Tensor<4>) -> Result<Posterior, BoxError>;

    /// Decodes latents `[batch, channels, height, width]`.
    fn decode(&self, latents: Tensor<4>) -> Result<Tensor<4>, BoxError>;
}
