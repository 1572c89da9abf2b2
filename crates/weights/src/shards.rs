//! A checkpoint in several files, and the index that says which tensor lies in which.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::WeightsError;
use crate::entry::Entry;
use crate::storage::Storage;
use crate::unique::Unique;
use crate::weights::open_file;

/// The largest index read, in bytes; as for the header of a safetensors file.
const MAX_INDEX: u64 = 16 << 20;

/// The text of an index; what else it says is for people.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: Unique<String>,
}

/// The tensors that the index at `path` lists.
pub(crate) fn open(path: &Path) -> Result<BTreeMap<String, Entry>, WeightsError> {
    let mut entries = BTreeMap::new();
    for (shard, keys) in shards(path)? {
        let file = path.with_file_name(&shard);
        if !file.is_file() {
            return Err(WeightsError::ShardMissing { path: path.into(), shard });
        }
        let mut tensors = open_file(&file)?;
        for key in keys {
            let Some(entry) = tensors.remove(&key) else {
                return Err(WeightsError::NotInShard { path: path.into(), key, shard });
            };
            entries.insert(key, entry);
        }
        if let Some(key) = tensors.into_keys().next() {
            return Err(WeightsError::NotInIndex { path: path.into(), key, shard });
        }
    }
    Ok(entries)
}

/// Names of the files that the index at `path` lists, with the keys in each.
fn shards(path: &Path) -> Result<BTreeMap<String, Vec<String>>, WeightsError> {
    let index = |problem| WeightsError::Index { path: path.into(), problem };
    let file = Storage::open(path)?;
    if file.len() > MAX_INDEX {
        return Err(index(format!(
            "expected an index of at most {MAX_INDEX} bytes, found one of {}",
            file.len()
        )));
    }
    let text = file.bytes(0, file.len())?;
    let Index { weight_map } =
        serde_json::from_slice(&text).map_err(|e| index(format!("not an index: {e}")))?;
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, shard) in weight_map.0 {
        if !is_plain_name(&shard) {
            return Err(WeightsError::ShardName { path: path.into(), shard });
        }
        shards.entry(shard).or_default().push(key);
    }
    Ok(shards)
}

/// Whether `name` can only be a file in the same folder, on any system.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && name != "." && name != ".."
}
