//! Checkpoints pickled by torch, read without executing anything.
//!
//! A pickle is a program that builds objects and may call any function. The reader used here follows it as data: it
//! knows how tensors are rebuilt, and every other call becomes an opaque value. It refuses pickles of more than 100 MiB
//! in a zip archive and tensors of more than 10 GiB; an object takes up to some 80 times its bytes of the pickle while
//! it is parsed.

use std::path::Path;

use pytorch_reader::{PytorchError, PytorchReader};

use crate::weights::{Data, Entry, TensorInfo};
use crate::{Dtype, WeightsError};

/// Bytes at the start of a file that tell what it is.
pub(crate) const LOOKED_AT: u64 = 512;

/// Keys under which training checkpoints keep the weights, beside counters, optimisers and configurations.
const NESTED_UNDER: [&str; 2] = ["state_dict", "model"];

/// Whether `start`, the first bytes of a file, are those of a zip archive or of a binary pickle.
pub(crate) fn is_pickle(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.first() == Some(&0x80)
}

/// The tensors of a pickled file, whose first bytes are `start`.
pub(crate) fn read(path: &Path, start: &[u8]) -> Result<Vec<(String, Entry)>, WeightsError> {
    if !is_pickle(start) {
        return Err(WeightsError::UnknownFormat { path: path.into(), found: describe(start) });
    }
    let entries = tensors(path).map_err(|source| WeightsError::Pickle { path: path.into(), source })?;
    Ok(entries.into_tensors().into_iter().map(entry).collect())
}

/// Everything that the file holds, or just the weights where they are nested.
fn tensors(path: &Path) -> Result<PytorchReader, PytorchError> {
    let all = PytorchReader::new(path)?;
    for key in NESTED_UNDER {
        // A flat name may begin like that too (`model.diffusion_model.…`): only a dictionary of its own counts.
        if all.tensors().keys().any(|name| name.starts_with(&format!("{key}."))) {
            match PytorchReader::with_top_level_key(path, key) {
                Err(PytorchError::KeyNotFound(_)) => {}
                found => return found,
            }
        }
    }
    Ok(all)
}

fn entry((key, tensor): (String, pytorch_reader::Tensor)) -> (String, Entry) {
    let info = TensorInfo { dtype: Dtype::from(tensor.dtype()), shape: tensor.shape().to_vec() };
    (key, Entry { info, data: Data::Pickled(tensor) })
}

/// What a file that is no checkpoint looks like.
fn describe(start: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(start).chars().take_while(|c| !c.is_control()).take(40).collect();
    match start {
        [] => "an empty file".into(),
        _ if start.starts_with(b"version https://git-lfs") => "the pointer to a file in Git LFS".into(),
        _ if start.get(257..262) == Some(b"ustar") => "a tar archive".into(),
        _ if text.len() >= 8 => format!("text that begins with `{text}`"),
        _ => format!("bytes that begin with {:02x?}", &start[..start.len().min(8)]),
    }
}
