//! Why a UNet cannot be built, loaded or run.

use std::path::PathBuf;

use gligen_weights::{ConfigError, WeightsError};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum UNetError {
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
    /// Objects were given to a UNet that was not trained with any.
    #[error("this UNet has no position net: it cannot place objects (a plain Stable Diffusion checkpoint?)")]
    NoPositionNet,
    /// Pictures of objects were given to a UNet that was trained with phrases alone.
    #[error("this UNet places objects by their phrases alone: it takes no pictures of them")]
    TakesNoPictures,
}
