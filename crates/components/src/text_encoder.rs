//! From texts to states.

use burn::Tensor;

use crate::BoxError;

/// What a text encoder makes of a batch of texts.
#[derive(Debug, Clone)]
pub struct TextStates {
    /// A state for each token, after the final layer norm: `[texts, tokens, channels]`.
    pub hidden: Tensor<3>,
    /// One state for each text, that of its end token after the final layer norm and before any projection:
    /// `[texts, channels]`. GLIGEN describes an object by it.
    pub pooled: Tensor<2>,
    /// For each text the words that did not fit into the encoder's window, if any.
    pub truncated: Vec<Option<String>>,
}

/// Encodes captions and phrases.
pub trait TextEncoder: Send + Sync {
    /// Channels of a state.
    fn width(&self) -> usize;

    /// Encodes `texts`, each padded or cut to the encoder's fixed number of tokens.
    ///
    /// `clip_skip` leaves out that many of the last layers (0: none); the final layer norm is applied in any case,
    /// and the pooled state is always that of the full depth.
    fn encode(&self, texts: &[String], clip_skip: usize) -> Result<TextStates, BoxError>;
}
