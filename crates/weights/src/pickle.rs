//! Checkpoints pickled by torch, read without executing anything.
//!
//! ```text
//! zip archive ─ NAME/data.pkl ─┐
//!               NAME/data/0 …  │ bytes ─ machine ─▶ graph of values ─ tensors ─▶ storage, offset, shape, strides
//! legacy ─ five pickles,       │                                                  │
//!          then the storages ──┘                                     where each storage lies in the file
//! ```
//!
//! A pickle is a program that builds objects and may call any function. Here it is followed as data: the calls that
//! would make tensors are understood, every other one becomes an opaque value. What it can make this reader do is
//! limited in all directions (instructions, items, depth, names), so that no file takes more than some 100 MB beside
//! what is mapped.

mod graph;
mod machine;
mod reader;
mod tensors;

use std::collections::HashMap;
use std::sync::Arc;

pub use machine::PickleError;

use crate::WeightsError;
use crate::entry::{Data, Entry};
use crate::storage::Storage;
use crate::weights::TensorInfo;
use crate::zip::{self, Extent};
use graph::Graph;
use tensors::{Described, StorageName};

/// Bytes at the start of a file that tell what it is.
pub(crate) const LOOKED_AT: u64 = 512;

/// The number with which torch began its files before it wrote zip archives, as a pickle holds it.
const MAGIC: [u8; 12] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The version of that form. There was only one.
const PROTOCOL: i64 = 1001;

/// Whether `start`, the first bytes of a file, are those of a zip archive or of a binary pickle.
pub(crate) fn is_pickle(start: &[u8]) -> bool {
    zip::is_zip(start) || start.first() == Some(&0x80)
}

/// The tensors of a pickled file, whose first bytes are `start`.
pub(crate) fn read(storage: Storage, start: &[u8]) -> Result<Vec<(String, Entry)>, WeightsError> {
    if !is_pickle(start) {
        return Err(WeightsError::UnknownFormat { path: storage.path().into(), found: describe(start) });
    }
    if zip::is_zip(start) { archive(storage) } else { legacy(storage) }
}

/// A zip archive with one pickle, and a member for each storage.
fn archive(file: Storage) -> Result<Vec<(String, Entry)>, WeightsError> {
    let directory = zip::directory(&file)?;
    let mut folders = directory.names().filter_map(|name| name.strip_suffix("data.pkl"));
    let folder = match (folders.next(), folders.next()) {
        (Some(folder), None) => folder,
        (None, _) => {
            let found = "a zip archive without a `data.pkl`".into();
            return Err(WeightsError::UnknownFormat { path: file.path().into(), found });
        }
        (Some(_), Some(_)) => return Err(file.damaged("the archive has more than one `data.pkl`".into())),
    };
    if let Some(extent) = directory.find(&file, &format!("{folder}byteorder"))?
        && extent.len == 3
    {
        return Err(file.damaged("numbers with their highest byte first are not read".into()));
    }
    let Some(pickle) = directory.find(&file, &format!("{folder}data.pkl"))? else { return Ok(Vec::new()) };
    let pickle = file.bytes(pickle.start, pickle.len)?;
    let graph = run(&file, &pickle)?;
    let mut places: HashMap<&str, Extent> = HashMap::new();
    let tensors = described(&file, &graph)?;
    for Described { name, storage, .. } in &tensors {
        if places.contains_key(storage.key) {
            continue;
        }
        let Some(extent) = directory.find(&file, &format!("{folder}data/{}", storage.key))? else {
            let problem = format!("tensor {name}: its storage `{}` is not in the archive", storage.key);
            return Err(file.damaged(problem));
        };
        places.insert(storage.key, extent);
    }
    entries(file.into(), tensors, &places)
}

/// Five pickles: a number, a version, facts on the machine, the object, the names of its storages; then these storages,
/// each after the number of its elements.
fn legacy(file: Storage) -> Result<Vec<(String, Entry)>, WeightsError> {
    let bytes = file.bytes(0, file.len())?;
    let mut at = 0;
    let mut next = || {
        let graph = run(&file, &bytes[at..])?;
        at += graph.end;
        Ok::<_, WeightsError>(graph)
    };
    let magic = next()?;
    if !bytes[..magic.end].windows(MAGIC.len()).any(|window| window == MAGIC) {
        let found = "a pickle that torch did not write".into();
        return Err(WeightsError::UnknownFormat { path: file.path().into(), found });
    }
    let version = next()?;
    if version.int(version.root) != Some(PROTOCOL) {
        return Err(file.damaged(format!("expected version {PROTOCOL} of torch's form, found another")));
    }
    let machine = next()?;
    let little_endian = machine
        .items(machine.root)
        .unwrap_or_default()
        .iter()
        .find_map(|(key, value)| (machine.text(*key) == Some("little_endian")).then_some(*value));
    if little_endian == Some(graph::FALSE) {
        return Err(file.damaged("numbers with their highest byte first are not read".into()));
    }
    let object = next()?;
    let names = next()?;

    let storages: HashMap<&str, StorageName<'_>> =
        tensors::storages(&object).map(|storage| (storage.key, storage)).collect();
    let mut places = HashMap::new();
    let mut start = at as u64;
    for &name in names.sequence(names.root).unwrap_or_default() {
        let storage = names.text(name).and_then(|key| storages.get(key));
        let Some(storage) = storage else {
            return Err(file.damaged("it lists a storage that nothing refers to".into()));
        };
        let count =
            file.bytes(start, 8)?.iter().rev().fold(0u64, |count, &byte| count << 8 | u64::from(byte));
        // An untyped storage is counted in bytes by the pickle, and in elements here.
        if count != storage.count as u64 && storage.width != 1 {
            let problem =
                format!("storage {}: expected {} numbers, found {count}", storage.key, storage.count);
            return Err(file.damaged(problem));
        }
        let Some(len) = storage.bytes() else {
            return Err(file.damaged(format!("storage {}: larger than any file", storage.key)));
        };
        let extent = Extent { start: start + 8, len: len as u64 };
        file.within(extent.start, extent.len)?;
        places.insert(storage.key, extent);
        start = extent.start + extent.len;
    }
    let tensors = described(&file, &object)?;
    entries(file.into(), tensors, &places)
}

fn run<'a>(file: &Storage, bytes: &'a [u8]) -> Result<Graph<'a>, WeightsError> {
    machine::run(bytes).map_err(|source| WeightsError::Pickle { path: file.path().into(), source })
}

fn described<'a>(file: &Storage, graph: &Graph<'a>) -> Result<Vec<Described<'a>>, WeightsError> {
    let tensors = tensors::tensors(graph).map_err(|problem| file.damaged(problem))?;
    match tensors::class_of(graph) {
        Some((module, class)) if tensors.is_empty() => {
            let found = format!("a pickled `{module}.{class}`, not a dictionary of tensors");
            Err(WeightsError::UnknownFormat { path: file.path().into(), found })
        }
        _ => Ok(tensors),
    }
}

/// Puts every tensor where its storage lies.
fn entries(
    file: Arc<Storage>,
    tensors: Vec<Described<'_>>,
    places: &HashMap<&str, Extent>,
) -> Result<Vec<(String, Entry)>, WeightsError> {
    check_apart(&file, places)?;
    let mut entries = Vec::with_capacity(tensors.len());
    for Described { name, storage, dtype, shape, offset, strides } in tensors {
        let extent = places.get(storage.key).copied();
        let expected = storage.bytes().map(|bytes| bytes as u64);
        let Some(extent) = extent.filter(|extent| Some(extent.len) == expected) else {
            let problem = format!(
                "tensor {name}: expected a storage `{}` of {} × {} bytes, found {}",
                storage.key,
                storage.count,
                storage.width,
                extent.map_or("none".into(), |extent| format!("{} bytes", extent.len)),
            );
            return Err(file.damaged(problem));
        };
        // All of it lies within the storage, which lies within the file.
        let width = dtype.size().unwrap_or(1);
        let start = extent.start + (offset * width) as u64;
        let data = if is_row_major(&shape, &strides) {
            Data::Stored { storage: file.clone(), start, len: shape.iter().product::<usize>() * width }
        } else {
            Data::Strided { storage: file.clone(), start, strides }
        };
        entries.push((name, Entry { info: TensorInfo { dtype, shape }, data }));
    }
    Ok(entries)
}

/// Refuses an archive whose members lie in one another: what it says of its size would then mean nothing.
fn check_apart(file: &Storage, places: &HashMap<&str, Extent>) -> Result<(), WeightsError> {
    let mut extents: Vec<_> = places.values().filter(|extent| extent.len > 0).collect();
    extents.sort_by_key(|extent| extent.start);
    match extents.windows(2).find(|pair| pair[0].start + pair[0].len > pair[1].start) {
        Some(pair) => Err(file.damaged(format!("two of its storages overlap at byte {}", pair[1].start))),
        None => Ok(()),
    }
}

/// Whether the numbers of a tensor lie one after another.
fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == expected;
            expected *= length;
            fits
        })
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
