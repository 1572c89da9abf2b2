//! From pictures of objects to states.

use burn::Tensor;
use gligen_pictures::Picture;

use crate::BoxError;

/// Encodes pictures of objects into the space of phrases.
pub trait ImageEncoder: Send + Sync {
    /// Channels of a state, as many as a phrase's.
    fn width(&self) -> usize;

    /// Encodes pictures of any size: `[pictures, channels]`, to be used as [`crate::TextStates::pooled`] is for
    /// phrases.
    fn encode(&self, pictures: &[Picture]) -> Result<Tensor<2>, BoxError>;
}
