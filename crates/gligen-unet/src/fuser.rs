//! Gated self-attention: where boxes enter the picture.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_nn::{Attention, FeedForward, KeysValues, LayerNorm, Linear, parameter};

/// Lets every visual token look at all visual tokens and at the objects, through two gates that training opened
/// from zero.
///
/// ```text
/// x ← x + scale · tanh(alpha_attn)  · attn(norm1 [x, linear(objects)])    (visual rows only)
/// x ← x + scale · tanh(alpha_dense) · ff(norm2 x)
/// ```
///
/// Source: "GLIGEN: Open-Set Grounded Text-to-Image Generation", arXiv 2301.07093, equation 8; original module
/// `ldm/modules/attention.py`, `GatedSelfAttentionDense`.
#[derive(Module, Debug)]
pub struct Fuser {
    linear: Linear,
    attn: Attention,
    ff: FeedForward,
    norm1: LayerNorm,
    norm2: LayerNorm,
    alpha_attn: Param<Tensor<1>>,
    alpha_dense: Param<Tensor<1>>,
}

impl Fuser {
    /// A fuser for visual tokens of `width` channels and grounding tokens of `grounding_width`.
    pub fn new(width: usize, grounding_width: usize, heads: usize, device: &Device) -> Self {
        Self {
            linear: Linear::new(grounding_width, width, true, device),
            attn: Attention::new(width, width, heads, device),
            ff: FeedForward::new(width, device),
            norm1: LayerNorm::new(width, 1e-5, device),
            norm2: LayerNorm::new(width, 1e-5, device),
            alpha_attn: parameter([1], device),
            alpha_dense: parameter([1], device),
        }
    }

    /// The half of the attention that the timestep does not change: keys and values of the grounding tokens,
    /// `[batch, tokens, grounding_width]`. Norm and projections work on each token alone, so they need not wait for
    /// the visual ones.
    pub fn prepare(&self, grounding_tokens: Tensor<3>) -> KeysValues {
        self.attn.keys_values(self.norm1.forward(self.linear.forward(grounding_tokens)))
    }

    /// `x`: `[batch, visual tokens, width]`; `grounding`: from [`Fuser::prepare`]; `scale`: factor on both gates.
    pub fn forward(&self, x: Tensor<3>, grounding: &KeysValues, scale: f64) -> Tensor<3> {
        // Only visual rows are kept of the joint attention, so only they ask.
        let visual = self.norm1.forward(x.clone());
        let everything = self.attn.keys_values(visual.clone()).join(grounding);
        let x = x + self.attn.attend(visual, &everything) * gate(&self.alpha_attn, scale);
        let dense = self.ff.forward(self.norm2.forward(x.clone()));
        x + dense * gate(&self.alpha_dense, scale)
    }
}

/// `scale · tanh(alpha)`, `[1, 1, 1]`.
fn gate(alpha: &Param<Tensor<1>>, scale: f64) -> Tensor<3> {
    (alpha.val().tanh() * scale).unsqueeze()
}
