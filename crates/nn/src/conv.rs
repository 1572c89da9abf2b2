//! Convolution of feature maps.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_kernels::{Placement, conv2d};

use crate::parameter;

/// Zeros put around a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As many on every side.
    Even(usize),
    /// One row below and one column to the right: how the autoencoder halves a picture.
    BottomRight,
}

/// A convolution with a square kernel, with bias unless said otherwise.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in, kernel, kernel]`, as torch stores it.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    stride: usize,
    #[module(skip)]
    padding: Padding,
}

impl Conv2d {
    /// A convolution of stride 1 that keeps the size: `kernel` is odd, and half of it is padded.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, device: &Device) -> Self {
        Self::strided(inputs, outputs, kernel, 1, Padding::Even(kernel / 2), device)
    }

    /// A convolution of any stride and padding.
    pub fn strided(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: Padding,
        device: &Device,
    ) -> Self {
        Self {
            weight: parameter([outputs, inputs, kernel, kernel], device),
            bias: Some(parameter([outputs], device)),
            stride,
            padding,
        }
    }

    /// `[batch, in, height, width]` to `[batch, out, height', width']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, None)
    }

    /// [`Conv2d::forward`], and `residual`, `[batch, out, height', width']`, added.
    pub fn forward_add(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        self.convolve(x, Some(residual))
    }

    fn convolve(&self, x: Tensor<4>, residual: Option<Tensor<4>>) -> Tensor<4> {
        let (before, after) = match self.padding {
            Padding::Even(n) => (n, n),
            Padding::BottomRight => (0, 1),
        };
        let place = Placement { stride: self.stride, before, after };
        conv2d(x, self.weight.val(), self.bias.as_ref().map(Param::val), residual, place)
    }
}
