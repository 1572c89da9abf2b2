//! What can go wrong between a published folder and a picture's state.

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
    /// A folder says nothing about how pictures are prepared.
    #[error("{}: expected preprocessor_config.json or processor_config.json, found neither", folder.display())]
    NoPreprocessor {
        /// The folder.
        folder: PathBuf,
    },
    /// A model takes pictures, but lacks the part that makes phrases of them.
    #[error(
        "{}: no such folder: `image_project` takes the states of pictures into the space of phrases, and without it this \
        model takes no pictures; older copies of published models lack it",
        folder.display()
    )]
    NoImageProject {
        /// The folder that is missing.
        folder: PathBuf,
    },
    /// A configuration that is refused.
    #[error(transparent)]
    Config(#[from] gligen_weights::ConfigError),
    /// Two parts of a model do not belong together.
    #[error("{part} does not fit the {to}: {what}: expected {expected}, found {found}")]
    Mismatch {
        /// The part that is wrong, or is not of this model.
        part: &'static str,
        /// The part that says what would be right.
        to: &'static str,
        /// What does not fit.
        what: &'static str,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A picture whose resized middle does not fit into memory.
    #[error("a picture of {width}×{height} is too long to be resized")]
    TooLong {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Scores cannot be read from the device that computed them.
    #[error("reading scores from the device: {0}")]
    Device(String),
    /// The weights cannot be loaded.
    #[error(transparent)]
    Weights(#[from] gligen_weights::WeightsError),
}
