//! The transformer encoder that both towers of CLIP share.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_kernels::{attention, join_heads, split_heads};

use crate::{Activation, LayerNorm, Linear};

/// A stack of pre-norm transformer layers.
///
/// The text tower calls it causal, the vision tower not. Which norms stand before and after it is the tower's matter.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPEncoder`.
#[derive(Module, Debug)]
pub struct ClipEncoder {
    layers: Vec<ClipEncoderLayer>,
}

impl ClipEncoder {
    /// `depth` layers of `width` channels, `inner` channels between the two maps of their MLP; `width` must be a
    /// multiple of `heads`. `epsilon` is that of the layer norms.
    pub fn new(
        depth: usize,
        width: usize,
        inner: usize,
        heads: usize,
        activation: Activation,
        epsilon: f64,
        device: &Device,
    ) -> Self {
        let layer = |_| ClipEncoderLayer::new(width, inner, heads, activation, epsilon, device);
        Self { layers: (0..depth).map(layer).collect() }
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Runs the layers `range` on `hidden_states`, `[batch, tokens, width]`, which keep their shape.
    ///
    /// # Panics
    ///
    /// If `range` reaches beyond [`ClipEncoder::depth`].
    pub fn forward(
        &self,
        hidden_states: Tensor<3>,
        range: std::ops::Range<usize>,
        causal: bool,
    ) -> Tensor<3> {
        self.layers[range].iter().fold(hidden_states, |x, layer| layer.forward(x, causal))
    }
}

/// One layer: self-attention, then an MLP, each on the normalised states and added to them.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPEncoderLayer`.
#[derive(Module, Debug)]
pub struct ClipEncoderLayer {
    self_attn: SelfAttention,
    layer_norm1: LayerNorm,
    mlp: Mlp,
    layer_norm2: LayerNorm,
}

impl ClipEncoderLayer {
    /// A layer of `width` channels; the other arguments are those of [`ClipEncoder::new`].
    pub fn new(
        width: usize,
        inner: usize,
        heads: usize,
        activation: Activation,
        epsilon: f64,
        device: &Device,
    ) -> Self {
        Self {
            self_attn: SelfAttention::new(width, heads, device),
            layer_norm1: LayerNorm::new(width, epsilon, device),
            mlp: Mlp::new(width, inner, activation, device),
            layer_norm2: LayerNorm::new(width, epsilon, device),
        }
    }

    /// `[batch, tokens, width]` to the same; `causal` hides later tokens from each token.
    pub fn forward(&self, hidden_states: Tensor<3>, causal: bool) -> Tensor<3> {
        let normed = self.layer_norm1.forward(hidden_states.clone());
        let hidden_states = hidden_states + self.self_attn.forward(normed, causal);
        let normed = self.layer_norm2.forward(hidden_states.clone());
        hidden_states + self.mlp.forward(normed)
    }
}

/// Multi-head self-attention with a bias on every map, unlike that of the UNet.
#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
}

impl SelfAttention {
    fn new(width: usize, heads: usize, device: &Device) -> Self {
        let map = || Linear::new(width, width, true, device);
        Self { q_proj: map(), k_proj: map(), v_proj: map(), out_proj: map(), heads }
    }

    /// `[batch, tokens, width]` to the same.
    fn forward(&self, x: Tensor<3>, causal: bool) -> Tensor<3> {
        let queries = split_heads(self.q_proj.forward(x.clone()), self.heads);
        let keys = split_heads(self.k_proj.forward(x.clone()), self.heads);
        let values = split_heads(self.v_proj.forward(x), self.heads);
        self.out_proj.forward(join_heads(attention(queries, keys, values, causal)))
    }
}

/// Two maps with the activation between them.
#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    fn new(width: usize, inner: usize, activation: Activation, device: &Device) -> Self {
        Self {
            fc1: Linear::new(width, inner, true, device),
            fc2: Linear::new(inner, width, true, device),
            activation,
        }
    }

    /// `[batch, tokens, width]` to the same.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.fc2.forward(self.activation.forward(self.fc1.forward(x)))
    }
}
