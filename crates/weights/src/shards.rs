//! A checkpoint in several files, and the index that says which tensor lies in which.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::WeightsError;
use crate::entry::Entry;
use crate::weights::open_file;

/// The largest index read, in bytes; as for the header of a safetensors file.
const MAX_INDEX: u64 = 16 << 20;

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
    }
    Ok(entries)
}

/// Names of the files that the index at `path` lists, with the keys in each.
fn shards(path: &Path) -> Result<BTreeMap<String, Vec<String>>, WeightsError> {
    let index = |problem| WeightsError::Index { path: path.into(), problem };
    let read = |source| WeightsError::Read { path: path.into(), source };

    let mut text = String::new();
    let mut file = std::fs::File::open(path).map_err(read)?.take(MAX_INDEX + 1);
    file.read_to_string(&mut text).map_err(read)?;
    if text.len() as u64 > MAX_INDEX {
        return Err(index(format!("expected an index of at most {MAX_INDEX} bytes, found more")));
    }
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| index(format!("not an index: {e}")))?;
    let Some(map) = json.get("weight_map").and_then(|map| map.as_object()) else {
        return Err(index("not an index: expected an object `weight_map`, found none".into()));
    };
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, shard) in map {
        let Some(shard) = shard.as_str() else {
            return Err(index(format!("not an index: {key}: expected the name of a file, found {shard}")));
        };
        if !is_plain_name(shard) {
            return Err(WeightsError::ShardName { path: path.into(), shard: shard.into() });
        }
        shards.entry(shard.into()).or_default().push(key.clone());
    }
    Ok(shards)
}

/// Whether `name` can only be a file in the same folder, on any system.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && name != "." && name != ".."
}
