//! The text transformer: token numbers to states.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::{Device, Int};
use gligen_nn::{ClipEncoder, Embedding, LayerNorm};

use crate::ClipTextConfig;

/// CLIP's text tower, up to the final layer norm.
///
/// The fields are the keys of a checkpoint, without the prefix `text_model.` of older ones.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPTextModel`.
#[derive(Module, Debug)]
pub struct ClipTextTransformer {
    embeddings: Embeddings,
    encoder: ClipEncoder,
    final_layer_norm: LayerNorm,
}

/// What the transformer makes of a batch of texts, after the final layer norm.
#[derive(Debug, Clone)]
pub struct TokenStates {
    /// `[texts, tokens, channels]`, of the depth that was asked for.
    pub hidden: Tensor<3>,
    /// `[texts, tokens, channels]`, of the full depth.
    pub last: Tensor<3>,
}

impl ClipTextTransformer {
    /// A transformer that waits for its weights.
    pub fn new(config: &ClipTextConfig, device: &Device) -> Self {
        Self {
            embeddings: Embeddings {
                token_embedding: Embedding::new(config.vocab_size, config.hidden_size, device),
                position_embedding: Embedding::new(
                    config.max_position_embeddings,
                    config.hidden_size,
                    device,
                ),
            },
            encoder: ClipEncoder::new(
                config.num_hidden_layers,
                config.hidden_size,
                config.intermediate_size,
                config.num_attention_heads,
                config.hidden_act,
                config.layer_norm_eps,
                device,
            ),
            final_layer_norm: LayerNorm::new(config.hidden_size, config.layer_norm_eps, device),
        }
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.encoder.depth()
    }

    /// `ids`: `[texts, tokens]`, each below the size of the vocabulary, at most as many tokens as there are positions.
    /// `depth`: layers that [`TokenStates::hidden`] has behind it.
    ///
    /// # Panics
    ///
    /// If `depth` is more than [`ClipTextTransformer::depth`].
    pub fn forward(&self, ids: Tensor<2, Int>, depth: usize) -> TokenStates {
        let early = self.encoder.forward(self.embeddings.forward(ids), 0..depth, true);
        let hidden = self.final_layer_norm.forward(early.clone());
        let last = if depth == self.depth() {
            hidden.clone()
        } else {
            self.final_layer_norm.forward(self.encoder.forward(early, depth..self.depth(), true))
        };
        TokenStates { hidden, last }
    }
}

/// A learned row for each token, and one for each place.
#[derive(Module, Debug)]
struct Embeddings {
    token_embedding: Embedding,
    position_embedding: Embedding,
}

impl Embeddings {
    /// `[texts, tokens]` to `[texts, tokens, channels]`.
    fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let [_, tokens] = ids.dims();
        let places = self.position_embedding.first(tokens).unsqueeze();
        self.token_embedding.forward(ids) + places
    }
}
