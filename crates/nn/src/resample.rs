//! Halving and doubling the sides of a feature map.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_kernels::upsample_nearest;

use crate::{Conv2d, Padding};

/// Halves the sides by a convolution of stride 2.
///
/// Source: diffusers `models/downsampling.py`, `Downsample2D`.
#[derive(Module, Debug)]
pub struct Downsample2d {
    conv: Conv2d,
}

impl Downsample2d {
    /// `padding` is even (1) in a UNet, bottom and right in the autoencoder.
    pub fn new(channels: usize, padding: Padding, device: &Device) -> Self {
        Self { conv: Conv2d::strided(channels, channels, 3, 2, padding, device) }
    }

    /// `[batch, channels, height, width]` to `[batch, channels, ⌈height / 2⌉, ⌈width / 2⌉]` (⌊⌋ with padding at the
    /// bottom and right).
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Enlarges by repeating pixels, then smooths by a convolution.
///
/// Source: diffusers `models/upsampling.py`, `Upsample2D`.
#[derive(Module, Debug)]
pub struct Upsample2d {
    conv: Conv2d,
}

impl Upsample2d {
    /// Keeps the number of channels.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self { conv: Conv2d::new(channels, channels, 3, device) }
    }

    /// `[batch, channels, height, width]` to `[batch, channels, size[0], size[1]]`: twice the sides, or one less
    /// where the halving had rounded up.
    pub fn forward(&self, x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        self.conv.forward(upsample_nearest(x, size))
    }
}
