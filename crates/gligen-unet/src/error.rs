//! Why a UNet cannot be built, loaded or run.

use std::path::PathBuf;

use gligen_weights::WeightsError;

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
    /// `config.json` is not what a UNet's config looks like.
    #[error("unet/config.json: {0}")]
    Json(#[from] serde_json::Error),
    /// A key has a value that this UNet does not have.
    #[error("unet/config.json: `{key}` is {found}; supported: {supported}")]
    Unsupported {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What can stand there.
        supported: String,
    },
    /// A key that no UNet of this kind has; ignoring it could change the picture.
    #[error("unet/config.json: `{key}` is not known (it is {found})")]
    UnknownKey {
        /// The key.
        key: String,
        /// Its value.
        found: String,
    },
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
