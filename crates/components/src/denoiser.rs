//! From noisy latents to the network's prediction, given what the picture should show.

use burn::Tensor;

use crate::BoxError;

/// Objects of each sample of a batch: what stands where.
///
/// The number of slots is the one that the model was trained with (30): attention has no mask, so softmax sees the
/// empty slots too, and leaving them out would change the picture.
#[derive(Debug, Clone)]
pub struct Grounding {
    /// `[batch, slots, 4]`: x0 y0 x1 y1, fractions of width and height in 0..1 from the top left.
    pub boxes: Tensor<3>,
    /// `[batch, slots]`: 1 where a slot holds an object, 0 where it is empty; fractions blend with the null feature.
    pub masks: Tensor<2>,
    /// The objects' phrases.
    pub phrases: SlotFeatures,
    /// The objects' pictures, for a model that takes them; `None`: no object has one.
    pub images: Option<SlotFeatures>,
}

/// One kind of description of the objects in all slots.
#[derive(Debug, Clone)]
pub struct SlotFeatures {
    /// `[batch, slots, channels]`: the pooled state of each object's phrase or picture.
    pub embeddings: Tensor<3>,
    /// `[batch, slots]`: how much it counts, 0 where there is none; fractions blend with the null feature.
    pub masks: Tensor<2>,
}

/// What a generation is conditioned on, fixed for all its steps.
#[derive(Debug, Clone)]
pub struct Conditioning {
    /// `[batch, tokens, channels]`, the caption's hidden states.
    pub encoder_hidden_states: Tensor<3>,
    /// The objects; `None` generates from the caption alone, with the fusers left out.
    pub grounding: Option<Grounding>,
}

/// A network that predicts the noise (or v, or the clean latents) in noisy latents.
pub trait Denoiser: Send + Sync {
    /// Channels that [`Denoising::predict`] takes: 4, or 9 for an inpainting model.
    fn in_channels(&self) -> usize;

    /// Channels of the latents themselves, and of a prediction.
    fn out_channels(&self) -> usize;

    /// Height and width of the latents that the model was trained on.
    fn sample_size(&self) -> usize;

    /// Channels of `encoder_hidden_states`.
    fn context_width(&self) -> usize;

    /// Channels of an object's embedding, if the model has a position net at all.
    fn grounding_width(&self) -> Option<usize>;

    /// Whether an object may have a picture.
    fn takes_pictures(&self) -> bool;

    /// Computes all that does not depend on the timestep, once per generation.
    fn begin<'a>(&'a self, conditioning: &Conditioning) -> Result<Box<dyn Denoising + 'a>, BoxError>;
}

/// One generation under way: the denoiser with its conditioning.
pub trait Denoising {
    /// Predicts at one timestep.
    ///
    /// `latents`: `[batch, in_channels, height, width]`. `timestep`: 0..1000, may be a fraction.
    /// `grounding_scale`: factor on the gates of the gated self-attention; 0 leaves it out at no cost, 1 is the
    /// trained strength. Returns `[batch, out_channels, height, width]`.
    fn predict(
        &mut self,
        latents: Tensor<4>,
        timestep: f64,
        grounding_scale: f64,
    ) -> Result<Tensor<4>, BoxError>;
}
