//! Why another program's layout cannot be read.

use super::{ForeignFormat, WORKFLOW_KEYWORD};
use crate::png_file::PngError;

/// Why another program's layout cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The bytes are no text.
    #[error("neither a PNG file nor UTF-8 text: {0}")]
    Text(#[source] std::str::Utf8Error),
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// A picture that cannot be read.
    #[error(transparent)]
    Png(#[from] PngError),
    /// A picture that holds no layout.
    #[error("this picture holds no workflow of ComfyUI (text `{WORKFLOW_KEYWORD}`)")]
    NoWorkflowInPicture,
    /// A layout of ours: there is nothing to import.
    #[error("this is a layout of gligen already")]
    Ours,
    /// It has the keys of no format.
    #[error("its keys are those of no format that is read")]
    Unknown,
    /// It has the keys of several formats.
    #[error("its keys are those of several formats: {}", formats.join(", "))]
    Ambiguous {
        /// Their names.
        formats: Vec<&'static str>,
    },
    /// A value that cannot stand at its place.
    #[error("`{path}`: {reason}")]
    Value {
        /// The place.
        path: String,
        /// What was expected and found.
        reason: String,
    },
    /// A box that has nothing to do with the picture.
    #[error(
        "`{path}`: this box lies outside the picture, of which its corners are the fractions {corners:?}"
    )]
    OutsideBox {
        /// The place.
        path: String,
        /// Corners x0 y0 x1 y1, fractions of width and height.
        corners: [f64; 4],
    },
    /// Boxes whose phrases are nowhere.
    #[error("a mapping without a prompt: its phrases are the prompt's lines")]
    NoPrompt,
    /// A file of the right kind without a caption and without a box.
    #[error("there is neither a caption nor a box in it (read as {format})")]
    Empty {
        /// The format that it was read as.
        format: &'static str,
    },
}

impl ImportError {
    pub(super) fn value(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value { path: path.into(), reason: reason.into() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Text(_) | Self::Json(_) | Self::Png(_) => "is it the right file, and whole?",
            Self::NoWorkflowInPicture => {
                "ComfyUI writes it into the pictures that it saves, unless told otherwise"
            }
            Self::Ours => "it can be drawn as it is",
            Self::Unknown | Self::Ambiguous { .. } => {
                let names: Vec<_> = ForeignFormat::ALL.iter().map(ForeignFormat::name).collect();
                return Some(format!("if it is one of these, say which: {}", names.join(", ")));
            }
            Self::Value { .. } | Self::Empty { .. } => "is it in another format than it was read as?",
            Self::OutsideBox { .. } => {
                "are its numbers pixels, fractions or percent of another size, as in another format?"
            }
            Self::NoPrompt => "give one, with a line for each row of the mapping",
        };
        Some(hint.into())
    }
}
