//! Why an autoencoder cannot be built, loaded or run.

use std::path::PathBuf;

use gligen_weights::{ConfigError, WeightsError};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum VaeError {
    /// `config.json` cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.json` is none, or asks for what is not computed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights are missing or do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A tensor that was passed in has another shape than the network needs.
    #[error("{tensor}: expected {expected}, found {found:?}")]
    Shape {
        /// Which one.
        tensor: &'static str,
        /// The shape needed, axes by name or number.
        expected: String,
        /// The shape found.
        found: Vec<usize>,
    },
}
