//! The affine map of the last axis.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_kernels::linear;

use crate::parameter;

/// `x Wᵀ + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`, as torch stores it.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// A map from `inputs` to `outputs` channels.
    pub fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: parameter([outputs, inputs], device),
            bias: bias.then(|| parameter([outputs], device)),
        }
    }

    /// `[..., in]` to `[..., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val(), self.bias.as_ref().map(Param::val), None)
    }

    /// [`Linear::forward`], and `residual`, `[..., out]`, added.
    pub fn forward_add<const D: usize>(&self, x: Tensor<D>, residual: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val(), self.bias.as_ref().map(Param::val), Some(residual))
    }
}
