//! The header of a safetensors file: which tensors lie where.

use std::sync::Arc;

use safetensors::tensor::Metadata;
use serde::de::IgnoredAny;

use crate::entry::{Data, Entry};
use crate::storage::Storage;
use crate::unique::Unique;
use crate::weights::TensorInfo;
use crate::{Dtype, WeightsError};

/// The largest header read, in bytes: room for about 100 000 tensors. The format allows more, but parsing takes a
/// multiple of it in memory, and the length comes from the file.
const MAX_HEADER: u64 = 16 << 20;

/// The length of the header comes first, as a little-endian u64.
const PREFIX: u64 = 8;

/// Whether `start`, the first bytes of a file, look like a safetensors file: a length, then the opening of JSON.
pub(crate) fn is_safetensors(start: &[u8]) -> bool {
    // A length with a byte above the fourth set would be a header of gigabytes.
    start.get(4..9) == Some(b"\0\0\0\0{")
}

/// The tensors of a safetensors file.
pub(crate) fn read(storage: Storage) -> Result<Vec<(String, Entry)>, WeightsError> {
    let path = storage.path().to_owned();
    let damaged = |problem: String| WeightsError::Damaged { path: path.clone(), problem };
    let read = |source| WeightsError::Read { path: path.clone(), source };
    let truncated = |expected| WeightsError::Truncated { path: path.clone(), expected, found: storage.len() };

    if storage.len() < PREFIX {
        return Err(truncated(PREFIX));
    }
    let prefix = storage.range(0, PREFIX as usize).map_err(read)?;
    let header = prefix.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    if header > MAX_HEADER {
        return Err(damaged(format!(
            "expected a header of at most {MAX_HEADER} bytes, found one of {header}"
        )));
    }
    let data = PREFIX + header;
    if storage.len() < data {
        return Err(truncated(data));
    }
    let json = storage.range(PREFIX, header as usize).map_err(read)?;
    serde_json::from_slice::<Unique<IgnoredAny>>(&json).map_err(|e| damaged(format!("header: {e}")))?;
    // Checks by itself that the tensors follow one another without gaps, each as long as its shape and type say.
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|e| damaged(format!("header: {e}")))?;
    let expected = data + metadata.data_len() as u64;
    if storage.len() < expected {
        return Err(truncated(expected));
    }
    if storage.len() > expected {
        return Err(damaged(format!("expected {expected} bytes, found {}", storage.len())));
    }

    let storage = Arc::new(storage);
    let entries = metadata.tensors().into_iter().map(|(key, info)| {
        let (start, end) = info.data_offsets;
        let entry = Entry {
            info: TensorInfo { dtype: Dtype::from(info.dtype), shape: info.shape.clone() },
            data: Data::Stored { storage: storage.clone(), start: data + start as u64, len: end - start },
        };
        (key, entry)
    });
    Ok(entries.collect())
}
