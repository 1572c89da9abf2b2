//! Objects to grounding tokens.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::Identity;
use burn::tensor::Device;
use gligen_components::{Grounding, SlotFeatures};
use gligen_kernels::silu;
use gligen_nn::{Linear, parameter};

use crate::fourier::{FOURIER_WIDTH, fourier_features};
use crate::{AttentionType, UNetConfig};

/// Width inside the networks that make tokens.
const HIDDEN: usize = 512;

/// Makes grounding tokens of objects; an empty slot becomes a token of learned null features, which takes part in
/// attention like any other.
///
/// Source: GLIGEN `ldm/modules/diffusionmodules/{text,text_image}_grounding_net.py`, `PositionNet`.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a UNet has one
pub enum PositionNet {
    /// A phrase for each box.
    Text(TextPositionNet),
    /// A phrase, a picture or both for each box.
    TextImage(TextImagePositionNet),
}

impl PositionNet {
    /// The position net of `config`, if it has one.
    pub fn new(config: &UNetConfig, device: &Device) -> Option<Self> {
        let width = config.cross_attention_dim;
        match config.attention_type {
            AttentionType::Default => None,
            AttentionType::Gated => Some(Self::Text(TextPositionNet::new(width, device))),
            AttentionType::GatedTextImage => Some(Self::TextImage(TextImagePositionNet::new(width, device))),
        }
    }

    /// Grounding tokens: `[batch, slots, channels]`, or twice as many tokens (phrases, then pictures) with
    /// [`PositionNet::TextImage`].
    pub fn forward(&self, grounding: &Grounding) -> Tensor<3> {
        match self {
            Self::Text(net) => net.forward(grounding),
            Self::TextImage(net) => net.forward(grounding),
        }
    }
}

/// Tokens from phrases and boxes.
#[derive(Module, Debug)]
pub struct TextPositionNet {
    linears: TokenNet,
    null_positive_feature: Param<Tensor<1>>,
    null_position_feature: Param<Tensor<1>>,
}

impl TextPositionNet {
    fn new(width: usize, device: &Device) -> Self {
        Self {
            linears: token_net(width, device),
            null_positive_feature: parameter([width], device),
            null_position_feature: parameter([FOURIER_WIDTH], device),
        }
    }

    fn forward(&self, grounding: &Grounding) -> Tensor<3> {
        let phrases = blend(&grounding.phrases, &self.null_positive_feature);
        tokens(&self.linears, phrases, places(grounding, &self.null_position_feature))
    }
}

/// Tokens from phrases and pictures, two for each box.
#[derive(Module, Debug)]
pub struct TextImagePositionNet {
    linears_text: TokenNet,
    linears_image: TokenNet,
    null_text_feature: Param<Tensor<1>>,
    null_image_feature: Param<Tensor<1>>,
    null_position_feature: Param<Tensor<1>>,
}

impl TextImagePositionNet {
    fn new(width: usize, device: &Device) -> Self {
        Self {
            linears_text: token_net(width, device),
            linears_image: token_net(width, device),
            null_text_feature: parameter([width], device),
            null_image_feature: parameter([width], device),
            null_position_feature: parameter([FOURIER_WIDTH], device),
        }
    }

    fn forward(&self, grounding: &Grounding) -> Tensor<3> {
        let phrases = blend(&grounding.phrases, &self.null_text_feature);
        let pictures = match &grounding.images {
            Some(images) => blend(images, &self.null_image_feature),
            None => self.null_image_feature.val().unsqueeze::<3>().expand(phrases.dims()),
        };
        let places = places(grounding, &self.null_position_feature);
        let from_phrases = tokens(&self.linears_text, phrases, places.clone());
        let from_pictures = tokens(&self.linears_image, pictures, places);
        Tensor::cat(vec![from_phrases, from_pictures], 1)
    }
}

/// The network that makes a token of an object's features and its box. The checkpoint counts the activations in.
type TokenNet = (Linear, Identity, Linear, Identity, Linear);

fn token_net(width: usize, device: &Device) -> TokenNet {
    (
        Linear::new(width + FOURIER_WIDTH, HIDDEN, true, device),
        Identity,
        Linear::new(HIDDEN, HIDDEN, true, device),
        Identity,
        Linear::new(HIDDEN, width, true, device),
    )
}

/// The embeddings where their masks are 1, and `null` where they are 0: `[batch, slots, channels]`.
fn blend(features: &SlotFeatures, null: &Param<Tensor<1>>) -> Tensor<3> {
    let masks = features.masks.clone().unsqueeze_dim::<3>(2);
    features.embeddings.clone() * masks.clone() + (-masks + 1.0) * null.val().unsqueeze::<3>()
}

/// The Fourier features of the boxes, `null` in empty slots: `[batch, slots, 64]`.
fn places(grounding: &Grounding, null: &Param<Tensor<1>>) -> Tensor<3> {
    let embeddings = fourier_features(grounding.boxes.clone());
    blend(&SlotFeatures { embeddings, masks: grounding.masks.clone() }, null)
}

/// `[batch, slots, channels]` and `[batch, slots, 64]` to tokens `[batch, slots, channels]`.
fn tokens(net: &TokenNet, features: Tensor<3>, places: Tensor<3>) -> Tensor<3> {
    let hidden = silu(net.0.forward(Tensor::cat(vec![features, places], 2)));
    let hidden = silu(net.2.forward(hidden));
    net.4.forward(hidden)
}
