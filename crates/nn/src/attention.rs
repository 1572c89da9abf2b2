//! Multi-head attention between tokens.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_kernels::{attention, join_heads, split_heads};

use crate::Linear;

/// Keys and values of a context, split into heads: what a query attends to.
///
/// They are a value of their own because the context of cross-attention stays the same for a whole generation.
#[derive(Debug, Clone)]
pub struct KeysValues {
    /// `[batch, heads, tokens, d]`.
    pub keys: Tensor<4>,
    /// `[batch, heads, tokens, d]`.
    pub values: Tensor<4>,
}

impl KeysValues {
    /// The tokens of both, one after the other.
    pub fn join(&self, more: &Self) -> Self {
        Self {
            keys: Tensor::cat(vec![self.keys.clone(), more.keys.clone()], 2),
            values: Tensor::cat(vec![self.values.clone(), more.values.clone()], 2),
        }
    }
}

/// Attention as the UNet's transformer blocks have it: no bias on queries, keys and values.
///
/// Source: diffusers `models/attention_processor.py`, `Attention`.
#[derive(Module, Debug)]
pub struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: [Linear; 1],
    heads: usize,
}

impl Attention {
    /// Queries of `width` channels attend to a context of `context_width` channels; `width` must be a multiple of
    /// `heads`.
    pub fn new(width: usize, context_width: usize, heads: usize, device: &Device) -> Self {
        Self {
            to_q: Linear::new(width, width, false, device),
            to_k: Linear::new(context_width, width, false, device),
            to_v: Linear::new(context_width, width, false, device),
            to_out: [Linear::new(width, width, true, device)],
            heads,
        }
    }

    /// Keys and values of `context`, `[batch, tokens, context_width]`.
    pub fn keys_values(&self, context: Tensor<3>) -> KeysValues {
        KeysValues {
            keys: split_heads(self.to_k.forward(context.clone()), self.heads),
            values: split_heads(self.to_v.forward(context), self.heads),
        }
    }

    /// `hidden_states`, `[batch, tokens, width]`, attend to `context`.
    pub fn attend(&self, hidden_states: Tensor<3>, context: &KeysValues) -> Tensor<3> {
        self.to_out[0].forward(self.attended(hidden_states, context))
    }

    /// [`Attention::attend`], and `residual`, `[batch, tokens, width]`, added.
    pub fn attend_add(
        &self,
        hidden_states: Tensor<3>,
        context: &KeysValues,
        residual: Tensor<3>,
    ) -> Tensor<3> {
        self.to_out[0].forward_add(self.attended(hidden_states, context), residual)
    }

    fn attended(&self, hidden_states: Tensor<3>, context: &KeysValues) -> Tensor<3> {
        let queries = split_heads(self.to_q.forward(hidden_states), self.heads);
        join_heads(attention(queries, context.keys.clone(), context.values.clone(), false))
    }

    /// `hidden_states` attend to themselves.
    pub fn attend_self(&self, hidden_states: Tensor<3>) -> Tensor<3> {
        let context = self.keys_values(hidden_states.clone());
        self.attend(hidden_states, &context)
    }

    /// [`Attention::attend_self`], and `residual`, `[batch, tokens, width]`, added.
    pub fn attend_self_add(&self, hidden_states: Tensor<3>, residual: Tensor<3>) -> Tensor<3> {
        let context = self.keys_values(hidden_states.clone());
        self.attend_add(hidden_states, &context, residual)
    }
}
