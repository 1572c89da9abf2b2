//! Transformer blocks over the tokens of a feature map.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_nn::{Attention, Conv2d, FeedForward, GroupNorm, LayerNorm, Linear};

pub use crate::conditioning::{BlockConditioning, PlaceConditioning};
use crate::fuser::Fuser;
use crate::{AttentionType, UNetConfig};

/// Self-attention, fuser, cross-attention and feed-forward, in this order.
///
/// Source: diffusers `models/attention.py`, `BasicTransformerBlock`.
#[derive(Module, Debug)]
pub struct TransformerBlock {
    norm1: LayerNorm,
    attn1: Attention,
    fuser: Option<Fuser>,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff: FeedForward,
}

impl TransformerBlock {
    /// A block over `width` channels, with a fuser if the model takes objects.
    pub fn new(config: &UNetConfig, width: usize, heads: usize, device: &Device) -> Self {
        let context_width = config.cross_attention_dim;
        let grounded = config.attention_type != AttentionType::Default;
        let norm = || LayerNorm::new(width, 1e-5, device);
        Self {
            norm1: norm(),
            attn1: Attention::new(width, width, heads, device),
            fuser: grounded.then(|| Fuser::new(width, context_width, heads, device)),
            norm2: norm(),
            attn2: Attention::new(width, context_width, heads, device),
            norm3: norm(),
            ff: FeedForward::new(width, device),
        }
    }

    /// What the block attends to in the caption, `[batch, tokens, channels]`, and in the grounding tokens.
    pub fn prepare(&self, text: &Tensor<3>, grounding_tokens: Option<&Tensor<3>>) -> BlockConditioning {
        let grounding = self.fuser.as_ref().zip(grounding_tokens);
        BlockConditioning {
            text: self.attn2.keys_values(text.clone()),
            grounding: grounding.map(|(fuser, tokens)| fuser.prepare(tokens.clone())),
        }
    }

    /// `x`: `[batch, tokens, width]`. A `grounding_scale` of 0 leaves the fuser out.
    pub fn forward(&self, x: Tensor<3>, conditioning: &BlockConditioning, grounding_scale: f64) -> Tensor<3> {
        let mut x = self.attn1.attend_self_add(self.norm1.forward(x.clone()), x);
        if grounding_scale != 0.0
            && let (Some(fuser), Some(grounding)) = (&self.fuser, &conditioning.grounding)
        {
            x = fuser.forward(x, grounding, grounding_scale);
        }
        let x = self.attn2.attend_add(self.norm2.forward(x.clone()), &conditioning.text, x);
        self.ff.forward_add(self.norm3.forward(x.clone()), x)
    }
}

/// Pixels to tokens, transformer blocks, tokens to pixels.
///
/// Source: diffusers `models/transformers/transformer_2d.py`, `Transformer2DModel` with continuous input.
#[derive(Module, Debug)]
pub struct Transformer2d {
    norm: GroupNorm,
    proj_in: Projection,
    transformer_blocks: Vec<TransformerBlock>,
    proj_out: Projection,
}

impl Transformer2d {
    /// A transformer over feature maps of `width` channels.
    pub fn new(config: &UNetConfig, width: usize, heads: usize, device: &Device) -> Self {
        let block = |_| TransformerBlock::new(config, width, heads, device);
        Self {
            norm: GroupNorm::new(config.norm_num_groups, width, 1e-6, device),
            proj_in: Projection::new(config, width, device),
            transformer_blocks: (0..config.transformer_layers_per_block).map(block).collect(),
            proj_out: Projection::new(config, width, device),
        }
    }

    /// [`TransformerBlock::prepare`] of every block.
    pub fn prepare(&self, text: &Tensor<3>, grounding_tokens: Option<&Tensor<3>>) -> PlaceConditioning {
        self.transformer_blocks.iter().map(|block| block.prepare(text, grounding_tokens)).collect()
    }

    /// `x`: `[batch, width, height, width in pixels]` to the same.
    pub fn forward(&self, x: Tensor<4>, conditioning: &PlaceConditioning, grounding_scale: f64) -> Tensor<4> {
        let mut tokens = self.proj_in.to_tokens(self.norm.forward(x.clone()));
        for (block, conditioning) in self.transformer_blocks.iter().zip(conditioning) {
            tokens = block.forward(tokens, conditioning, grounding_scale);
        }
        self.proj_out.to_pixels_add(tokens, x)
    }
}

/// The map between feature maps and tokens: the same arithmetic in two published forms.
#[derive(Module, Debug)]
enum Projection {
    /// A 1×1 convolution.
    Conv(Conv2d),
    /// A linear map of tokens.
    Linear(Linear),
}

impl Projection {
    fn new(config: &UNetConfig, width: usize, device: &Device) -> Self {
        if config.use_linear_projection {
            Self::Linear(Linear::new(width, width, true, device))
        } else {
            Self::Conv(Conv2d::new(width, width, 1, device))
        }
    }

    /// `[batch, channels, height, width]` to `[batch, height · width, channels]`.
    fn to_tokens(&self, x: Tensor<4>) -> Tensor<3> {
        match self {
            Self::Conv(conv) => conv.forward_to_tokens(x),
            Self::Linear(linear) => linear.forward(x.flatten::<3>(2, 3).swap_dims(1, 2)),
        }
    }

    /// `[batch, height · width, channels]` to `[batch, channels, height, width]`, the shape of `residual`, which is
    /// added.
    fn to_pixels_add(&self, tokens: Tensor<3>, residual: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward_to_pixels_add(tokens, residual),
            Self::Linear(linear) => {
                let shape = residual.dims();
                residual + linear.forward(tokens).swap_dims(1, 2).reshape(shape)
            }
        }
    }
}
