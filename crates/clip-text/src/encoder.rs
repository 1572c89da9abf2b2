//! Texts to states: the tokenizer and the transformer together.

use std::path::Path;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_components::{BoxError, TextEncoder, TextStates};
use gligen_weights::{Part, Weights};

use crate::{ClipTextConfig, ClipTextTransformer, EndToken, Error, Tokenizer};

/// A CLIP text encoder with its tokenizer.
#[derive(Debug)]
pub struct ClipTextEncoder {
    tokenizer: Tokenizer,
    transformer: ClipTextTransformer,
    config: ClipTextConfig,
    device: Device,
}

impl ClipTextEncoder {
    /// Loads the folders `text_encoder` and `tokenizer` of a published model.
    ///
    /// # Errors
    ///
    /// If a file is missing or malformed, a weight is missing or of another shape, or the two folders do not belong
    /// together.
    pub fn load(
        text_encoder: impl AsRef<Path>,
        tokenizer: impl AsRef<Path>,
        device: &Device,
    ) -> Result<Self, Error> {
        let folder = text_encoder.as_ref();
        let path = folder.join("config.json");
        let config = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
        let config = ClipTextConfig::parse(&config)?;
        let tokenizer = Tokenizer::load(tokenizer)?;
        let weights = Weights::find(folder, &["model", "pytorch_model"])?;
        Self::from_parts(config, &weights, tokenizer, device)
    }

    /// Puts an encoder together from its parts, wherever they were read from.
    ///
    /// # Errors
    ///
    /// If a weight is missing or of another shape, or the parts do not belong together.
    pub fn from_parts(
        config: ClipTextConfig,
        weights: &Weights,
        tokenizer: Tokenizer,
        device: &Device,
    ) -> Result<Self, Error> {
        check_fit(&config, &tokenizer)?;
        let transformer =
            weights.load(ClipTextTransformer::new(&config, device), &Part::TextEncoder.key_map())?;
        Ok(Self { tokenizer, transformer, config, device: device.clone() })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The text encoder's shape.
    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// Encodes `texts`, each cut or padded to [`Tokenizer::window`] tokens.
    ///
    /// `clip_skip`: layers to leave out before the final layer norm; the pooled states are of the full depth in any
    /// case.
    ///
    /// # Errors
    ///
    /// If `clip_skip` is not less than the number of layers.
    pub fn encode<S: AsRef<str>>(&self, texts: &[S], clip_skip: usize) -> Result<TextStates, Error> {
        let layers = self.transformer.depth();
        if clip_skip >= layers {
            return Err(Error::ClipSkip { layers, found: clip_skip });
        }
        let (batch, window) = (texts.len(), self.tokenizer.window());
        if batch == 0 {
            let width = self.config.hidden_size;
            return Ok(TextStates {
                hidden: Tensor::zeros([0, window, width], &self.device),
                pooled: Tensor::zeros([0, width], &self.device),
                truncated: Vec::new(),
            });
        }
        let encode = |text: &S| self.tokenizer.encode(text.as_ref());
        let encodings = texts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;

        let ids: Vec<i64> = encodings.iter().flat_map(|e| &e.ids).map(|&id| id.into()).collect();
        let ids = Tensor::from_data(TensorData::new(ids, [batch, window]), &self.device);
        let states = self.transformer.forward(ids, layers - clip_skip);

        let ends = encodings.iter().map(|e| self.config.eos_token_id.position(&e.ids)).enumerate();
        let pooled = ends.map(|(text, end)| states.last.clone().narrow(0, text, 1).narrow(1, end, 1));
        let pooled = Tensor::cat(pooled.collect(), 0).squeeze_dim(1);
        let truncated = encodings.into_iter().map(|e| e.truncated).collect();
        Ok(TextStates { hidden: states.hidden, pooled, truncated })
    }
}

impl TextEncoder for ClipTextEncoder {
    fn width(&self) -> usize {
        self.config.hidden_size
    }

    fn encode(&self, texts: &[String], clip_skip: usize) -> Result<TextStates, BoxError> {
        Ok(self.encode(texts, clip_skip)?)
    }
}

impl EndToken {
    /// Where it stands in `ids`.
    fn position(self, ids: &[u32]) -> usize {
        let end = match self {
            Self::Largest => ids.iter().copied().max().unwrap_or(0),
            Self::Id(id) => id,
        };
        // The tokenizer ends every text, so that it is there.
        ids.iter().position(|&id| id == end).unwrap_or(0)
    }
}

/// Refuses a tokenizer whose numbers the transformer would read as something else.
fn check_fit(config: &ClipTextConfig, tokenizer: &Tokenizer) -> Result<(), Error> {
    let mismatch = |what, expected: String, found: String| Err(Error::Mismatch { what, expected, found });
    let (highest, tokens) = (tokenizer.highest_id(), config.vocab_size);
    if highest as usize >= tokens {
        return mismatch("number of a token", format!("less than {tokens}"), highest.to_string());
    }
    let (window, places) = (tokenizer.window(), config.max_position_embeddings);
    if window > places {
        return mismatch("tokens of a text", format!("at most {places}"), window.to_string());
    }
    match config.eos_token_id {
        EndToken::Id(id) if id != tokenizer.end_id() => {
            mismatch("end token", id.to_string(), tokenizer.end_id().to_string())
        }
        _ => Ok(()),
    }
}
