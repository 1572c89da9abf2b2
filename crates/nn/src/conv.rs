//! Convolution of feature maps.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_kernels::{Placement, conv2d, linear};

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
        self.convolve(x, None, None)
    }

    /// [`Conv2d::forward`] with `shift`, `[out]`, added to every pixel.
    pub fn forward_shifted(&self, x: Tensor<4>, shift: Tensor<1>) -> Tensor<4> {
        self.convolve(x, Some(shift), None)
    }

    /// [`Conv2d::forward`], and `residual`, `[batch, out, height', width']`, added.
    pub fn forward_add(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        self.convolve(x, None, Some(residual))
    }

    /// A 1×1 convolution of pixels, `[batch, in, height, width]`, whose results are tokens, `[batch, height · width,
    /// out]`: the linear map that it is, which reads the pixels where they lie.
    pub fn forward_to_tokens(&self, x: Tensor<4>) -> Tensor<3> {
        let [outputs, inputs, ..] = self.weight.dims();
        let weight = self.weight.val().reshape([outputs, inputs]);
        linear(x.flatten::<3>(2, 3).swap_dims(1, 2), weight, self.bias.as_ref().map(Param::val), None)
    }

    /// A 1×1 convolution of tokens, `[batch, height · width, in]`, whose results are pixels, to which `residual`,
    /// `[batch, out, height, width]`, is added.
    pub fn forward_to_pixels_add(&self, tokens: Tensor<3>, residual: Tensor<4>) -> Tensor<4> {
        let [batch, pixels, inputs] = tokens.dims();
        let [_, outputs, height, width] = residual.dims();
        let column = tokens.reshape([batch, pixels, inputs, 1]).swap_dims(1, 2); // a view: [batch, in, pixels, 1]
        let residual = residual.reshape([batch, outputs, pixels, 1]);
        self.forward_add(column, residual).reshape([batch, outputs, height, width])
    }

    fn convolve(&self, x: Tensor<4>, shift: Option<Tensor<1>>, residual: Option<Tensor<4>>) -> Tensor<4> {
        let (before, after) = match self.padding {
            Padding::Even(n) => (n, n),
            Padding::BottomRight => (0, 1),
        };
        let place = Placement { stride: self.stride, before, after };
        let weight = self.weight.val();
        let bias = match (self.bias.as_ref().map(Param::val), shift) {
            (Some(bias), Some(shift)) => Some(bias + shift),
            (bias, shift) => bias.or(shift),
        };
        conv2d(x, weight, bias, residual, place)
    }
}
