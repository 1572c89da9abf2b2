//! The feed-forward half of a transformer block.

use burn::Tensor;
use burn::module::Module;
use burn::nn::Identity;
use burn::tensor::Device;
use gligen_kernels::{geglu, token_parts};

use crate::Linear;

/// `W₂ · GEGLU(W₁ x)` with four times the width inside, which on a CPU never exists for all tokens of a large map at
/// once. Its children are numbered in the checkpoint, 1 being a dropout.
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
        self.in_parts(x, None)
    }

    /// [`FeedForward::forward`], and `residual`, `[batch, tokens, width]`, added.
    pub fn forward_add(&self, x: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        self.in_parts(x, Some(residual))
    }

    fn in_parts(&self, x: Tensor<3>, residual: Option<Tensor<3>>) -> Tensor<3> {
        let parts = token_parts(&x.device(), x.dims()[1]);
        if parts.len() == 1 {
            return self.at_once(x, residual);
        }
        let results = parts.into_iter().map(|tokens| {
            let part = |x: &Tensor<3>| x.clone().narrow(1, tokens.start, tokens.len());
            self.at_once(part(&x), residual.as_ref().map(part))
        });
        Tensor::cat(results.collect(), 1)
    }

    fn at_once(&self, x: Tensor<3>, residual: Option<Tensor<3>>) -> Tensor<3> {
        let (widen, _, narrow) = &self.net;
        let hidden = geglu(widen.proj.forward(x)); // [batch, tokens, 4 · width]
        match residual {
            Some(residual) => narrow.forward_add(hidden, residual),
            None => narrow.forward(hidden),
        }
    }
}
