//! The feed-forward half of a transformer block.

use burn::Tensor;
use burn::module::Module;
use burn::nn::Identity;
use burn::tensor::Device;
use gligen_kernels::geglu;

use crate::Linear;

/// `W₂ · GEGLU(W₁ x)` with four times the width inside. Its children are numbered in the checkpoint, 1 being a
/// dropout.
///
/// Source: diffusers `models/attention.py`, `FeedForward` with `geglu`.
#[derive(Module, Debug)]
pub struct FeedForward {
    net: (GegluIn, Identity, Linear),
}

/// The widening map, whose first half is the value and whose second is the gate.
#[derive(Module, Debug)]
pub struct GegluIn {
    proj: Linear,
}

impl FeedForward {
    /// A block over `width` channels.
    pub fn new(width: usize, device: &Device) -> Self {
        let inner = 4 * width;
        let proj = Linear::new(width, 2 * inner, true, device);
        Self { net: (GegluIn { proj }, Identity, Linear::new(inner, width, true, device)) }
    }

    /// `[batch, tokens, width]` to the same.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.net.2.forward(geglu(self.net.0.proj.forward(x)))
    }

    /// [`FeedForward::forward`], and `residual`, `[batch, tokens, width]`, added.
    pub fn forward_add(&self, x: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        self.net.2.forward_add(geglu(self.net.0.proj.forward(x)), residual)
    }
}
