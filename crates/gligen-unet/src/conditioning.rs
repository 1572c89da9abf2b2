//! What is computed once per generation: all that the timestep does not change.

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

/// The conditioning of all transformer blocks, laid out as the UNet is: one list for each down and up block, with
/// one entry for each of its attentions.
#[derive(Debug)]
pub(crate) struct UNetConditioning {
    /// Samples in the batch.
    pub(crate) batch: usize,
    pub(crate) down: Vec<Vec<PlaceConditioning>>,
    pub(crate) mid: PlaceConditioning,
    pub(crate) up: Vec<Vec<PlaceConditioning>>,
}
