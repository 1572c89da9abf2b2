//! Which file of a folder holds the weights.

use std::io;
use std::path::{Path, PathBuf};

use crate::WeightsError;

/// Endings of a folder's weights, in order of preference.
pub const FILE_ENDINGS: [&str; 8] = [
    ".safetensors",
    ".safetensors.index.json",
    ".bin",
    ".bin.index.json",
    ".fp16.safetensors",
    ".safetensors.index.fp16.json",
    ".fp16.bin",
    ".bin.index.fp16.json",
];

/// The file in `folder` to open, its name one of `stems` with one of the usual endings.
pub(crate) fn find(folder: &Path, stems: &[&str]) -> Result<PathBuf, WeightsError> {
    if !folder.is_dir() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no such folder");
        return Err(WeightsError::Read { path: folder.into(), source });
    }
    let names =
        || FILE_ENDINGS.iter().flat_map(|ending| stems.iter().map(move |stem| format!("{stem}{ending}")));
    names()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| WeightsError::NotFound { folder: folder.into(), looked_for: names().collect() })
}
