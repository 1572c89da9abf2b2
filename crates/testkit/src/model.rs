//! Model folders that are stored as their differences from another.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;
use tempfile::TempDir;

use crate::fixtures;

/// A folder with the files of the models `names` under `fixtures/models`, those of later ones in place of the same ones
/// of earlier ones; of two files of weights, tensor by tensor.
///
/// It is gone when the returned value is dropped; networks loaded from it remain.
pub fn assemble(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap_or_else(|e| panic!("a temporary folder: {e}"));
    for name in names {
        lay_over(folder.path(), &fixtures().join("models").join(name));
    }
    folder
}

fn lay_over(folder: &Path, more: &Path) {
    let entries = std::fs::read_dir(more).unwrap_or_else(|e| panic!("{}: {e}", more.display()));
    for entry in entries {
        let from = entry.unwrap_or_else(|e| panic!("{}: {e}", more.display())).path();
        let to = folder.join(from.file_name().unwrap_or_default());
        let written = if from.is_dir() {
            std::fs::create_dir_all(&to).map(|()| lay_over(&to, &from))
        } else if to.extension().is_some_and(|extension| extension == "safetensors") && to.is_file() {
            std::fs::write(&to, merged(&read(&to), &read(&from)))
        } else {
            std::fs::write(&to, read(&from))
        };
        written.unwrap_or_else(|e| panic!("{}: {e}", to.display()));
    }
}

/// The tensors of both files, those of the second where both have one.
fn merged(first: &[u8], second: &[u8]) -> Vec<u8> {
    let parse = |bytes| SafeTensors::deserialize(bytes).unwrap_or_else(|e| panic!("weights: {e}"));
    let (first, second) = (parse(first), parse(second));
    let tensors: BTreeMap<_, _> = first.iter().chain(second.iter()).collect();
    safetensors::serialize(tensors, None).unwrap_or_else(|e| panic!("weights: {e}"))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
