//! What is computed once per generation: all that the timestep does not change.

use std::ops::Range;

use burn::Tensor;
use gligen_components::{Conditioning, Grounding, SlotFeatures};
use gligen_nn::KeysValues;

/// What one transformer block attends to besides the picture itself.
#[derive(Debug, Clone)]
pub struct BlockConditioning {
    /// Keys and values of the caption, for cross-attention.
    pub text: KeysValues,
    /// Keys and values of the objects, for the fuser; `None` without objects.
    pub grounding: Option<KeysValues>,
}

/// One entry for each transformer block of a place that has attention.
pub type PlaceConditioning = Vec<BlockConditioning>;

/// The conditioning of all transformer blocks for some samples of a batch, laid out as the UNet is: one list for each
/// down and up block, with one entry for each of its attentions.
#[derive(Debug)]
pub(crate) struct UNetConditioning {
    /// Which samples.
    pub(crate) samples: Range<usize>,
    pub(crate) down: Vec<Vec<PlaceConditioning>>,
    pub(crate) mid: PlaceConditioning,
    pub(crate) up: Vec<Vec<PlaceConditioning>>,
}

/// The part of `conditioning` that belongs to `samples`.
pub(crate) fn part_of(conditioning: &Conditioning, samples: &Range<usize>) -> Conditioning {
    fn narrow<const D: usize>(x: &Tensor<D>, samples: &Range<usize>) -> Tensor<D> {
        x.clone().narrow(0, samples.start, samples.len())
    }
    let features = |features: &SlotFeatures| SlotFeatures {
        embeddings: narrow(&features.embeddings, samples),
        masks: narrow(&features.masks, samples),
    };
    Conditioning {
        encoder_hidden_states: narrow(&conditioning.encoder_hidden_states, samples),
        grounding: conditioning.grounding.as_ref().map(|grounding| Grounding {
            boxes: narrow(&grounding.boxes, samples),
            masks: narrow(&grounding.masks, samples),
            phrases: features(&grounding.phrases),
            images: grounding.images.as_ref().map(features),
        }),
    }
}
