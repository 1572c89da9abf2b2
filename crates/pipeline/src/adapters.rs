//! What changes a model while it is loaded: LoRA files and textual inversions.

use gligen_clip_text::TextualInversion;
use gligen_weights::{Lora, Part, Weights};

use crate::{EmbeddingFile, Error, LoadOptions, LoraFile};

/// The files of [`LoadOptions`], opened.
pub(crate) struct Adapters {
    loras: Vec<(Lora, f64)>,
    pub(crate) words: Vec<TextualInversion>,
}

impl Adapters {
    pub(crate) fn open(options: &LoadOptions) -> Result<Self, Error> {
        let lora = |file: &LoraFile| Ok((Lora::open(&file.path).map_err(of_lora)?, file.scale));
        let word = |file: &EmbeddingFile| {
            TextualInversion::open(&file.path, file.token.as_deref())
                .map_err(|e| Error::Component { part: "textual inversion", source: e.into() })
        };
        Ok(Self {
            loras: options.loras.iter().map(lora).collect::<Result<_, Error>>()?,
            words: options.embeddings.iter().map(word).collect::<Result<_, Error>>()?,
        })
    }

    /// `weights`, of the network `part`, with what the LoRA files change in it.
    pub(crate) fn merge(&self, part: Part, weights: Weights) -> Result<Weights, Error> {
        let merge = |weights: Weights, (lora, scale): &(Lora, f64)| weights.with_lora(lora, part, *scale);
        self.loras.iter().try_fold(weights, merge).map_err(of_lora)
    }
}

fn of_lora(error: gligen_weights::LoraError) -> Error {
    Error::Component { part: "LoRA", source: error.into() }
}
