//! Normalisation of feature maps and of tokens.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;

use crate::parameter;

/// Group normalisation of feature maps, arXiv 1803.08494.
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// `[channels]`.
    pub bias: Param<Tensor<1>>,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// `channels` must be a multiple of `groups`.
    pub fn new(groups: usize, channels: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: parameter([channels], device), bias: parameter([channels], device), groups, epsilon }
    }

    /// Normalises `[batch, channels, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        gligen_kernels::group_norm(x, self.groups, self.weight.val(), self.bias.val(), self.epsilon, false)
    }

    /// [`GroupNorm::forward`], then SiLU.
    pub fn forward_silu(&self, x: Tensor<4>) -> Tensor<4> {
        gligen_kernels::group_norm(x, self.groups, self.weight.val(), self.bias.val(), self.epsilon, true)
    }
}

/// Layer normalisation of the last axis, arXiv 1607.06450.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// `[channels]`.
    pub bias: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    /// A norm over `channels` numbers.
    pub fn new(channels: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: parameter([channels], device), bias: parameter([channels], device), epsilon }
    }

    /// Normalises `[..., channels]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        gligen_kernels::layer_norm(x, self.weight.val(), self.bias.val(), self.epsilon)
    }
}
