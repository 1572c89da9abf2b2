//! What can be wrong with a layout.

use std::path::PathBuf;

use crate::PictureError;
use crate::png_file::{LAYOUT_KEYWORD, PngError};

/// What is wrong with a layout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Something other than a table at a place for one.
    #[error("`{path}`: expected an object in braces, found {found}")]
    NotAnObject {
        /// The place.
        path: String,
        /// What stands there.
        found: &'static str,
    },
    /// A key that no layout has.
    #[error("unknown key `{path}`")]
    UnknownKey {
        /// The place and the key.
        path: String,
        /// The known key that resembles it.
        nearest: Option<&'static str>,
    },
    /// A picture that a layout names cannot be read.
    #[error("`{path}`: {source}")]
    Picture {
        /// The place.
        path: String,
        /// What is wrong with it.
        source: Box<PictureError>,
    },
    /// A key that counts only beside another.
    #[error("`{key}` without `inpaint_image`")]
    NoInpaintImage {
        /// The key.
        key: &'static str,
    },
    /// A value that cannot stand at its place.
    #[error("`{path}`: {reason}")]
    Value {
        /// The place.
        path: String,
        /// What was expected and found.
        reason: String,
    },
    /// A picture that holds no layout.
    #[error("this picture holds no layout (text `{LAYOUT_KEYWORD}`)")]
    NoLayoutInPicture,
    /// A picture that cannot be read.
    #[error(transparent)]
    Png(#[from] PngError),
}
