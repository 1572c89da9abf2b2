//! What can go wrong between a published folder and a text's states.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder holds no tokenizer.
    #[error("{}: expected tokenizer.json, or vocab.json with merges.txt; found neither", folder.display())]
    NoTokenizer {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of a tokenizer contradicts itself or names something that is not supported.
    #[error("{file}: {what}: expected {expected}, found {found}")]
    Tokenizer {
        /// The file's name.
        file: &'static str,
        /// The entry in question.
        what: String,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The tokenizer's library refuses a text or a vocabulary.
    #[error("tokenizer: {0}")]
    Tokenizing(#[source] tokenizers::Error),
    /// A file that is no JSON, or has another shape than its kind of file; a configuration of the text encoder that is
    /// refused.
    #[error(transparent)]
    Config(#[from] gligen_weights::ConfigError),
    /// Tokenizer and text encoder do not belong together.
    #[error("the tokenizer does not fit the text encoder: {what}: expected {expected}, found {found}")]
    Mismatch {
        /// What does not fit.
        what: &'static str,
        /// What the text encoder takes.
        expected: String,
        /// What the tokenizer has.
        found: String,
    },
    /// A textual inversion cannot be used.
    #[error("{}: {problem}", path.display())]
    TextualInversion {
        /// The file.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// More layers are to be left out than can be.
    #[error("clip skip: expected less than the text encoder's {layers} layers, found {found}")]
    ClipSkip {
        /// Layers of the text encoder.
        layers: usize,
        /// Layers to leave out.
        found: usize,
    },
    /// The weights cannot be loaded.
    #[error(transparent)]
    Weights(#[from] gligen_weights::WeightsError),
}
