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

/// Mean and deviation of the groups of some feature maps.
#[derive(Debug, Clone)]
pub struct GroupStatistics {
    /// `[batch, groups, 1]`.
    mean: Tensor<3>,
    /// 1 / √(variance + ε), `[batch, groups, 1]`.
    inverse_deviation: Tensor<3>,
}

impl GroupNorm {
    /// What it would normalise `x`, `[batch, channels, height, width]`, by.
    pub fn statistics(&self, x: Tensor<4>) -> GroupStatistics {
        let [batch, channels, height, width] = x.dims();
        let groups = x.reshape([batch, self.groups, channels / self.groups * height * width]);
        let mean = groups.clone().mean_dim(2);
        let centred = groups - mean.clone();
        let variance = (centred.clone() * centred).mean_dim(2);
        GroupStatistics { mean, inverse_deviation: (variance + self.epsilon).sqrt().recip() }
    }

    /// [`GroupNorm::forward_silu`] with the statistics of other feature maps.
    pub fn forward_silu_by(&self, x: Tensor<4>, statistics: &GroupStatistics) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        let in_group = channels / self.groups;
        let each = |of_groups: &Tensor<3>| {
            of_groups.clone().repeat_dim(2, in_group).reshape([batch, channels, 1, 1])
        };
        let of_channels = |of_channels: &Param<Tensor<1>>| of_channels.val().reshape([1, channels, 1, 1]);
        let scale = of_channels(&self.weight) * each(&statistics.inverse_deviation);
        let shift = of_channels(&self.bias) - each(&statistics.mean) * scale.clone();
        gligen_kernels::silu(x * scale + shift)
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
