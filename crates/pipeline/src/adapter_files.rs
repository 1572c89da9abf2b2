//! The files that change a model while it is loaded, as flags and layouts name them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A LoRA file, and how much of it to add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoraFile {
    /// Safetensors or pickled, in the layout of kohya's sd-scripts, diffusers or peft.
    #[serde(rename = "file")]
    pub path: PathBuf,
    /// 1 is as it was trained, 0 nothing of it; on top of the alpha that the file has.
    #[serde(default = "whole")]
    pub scale: f64,
}

fn whole() -> f64 {
    1.0
}

/// A textual inversion: a word whose vectors were learned from pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmbeddingFile {
    /// Safetensors or pickled, in the form of diffusers or A1111.
    #[serde(rename = "file")]
    pub path: PathBuf,
    /// Another word than the file's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}
