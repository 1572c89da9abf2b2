//! An opened checkpoint: its tensors by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use bytes::Bytes;

use crate::entry::Entry;
use crate::floats::{float_size, widen};
use crate::loader::load;
use crate::storage::Storage;
use crate::{Dtype, KeyMap, WeightsError, find, header, pickle, shards};

/// An opened checkpoint: one file or several, mapped or compiled into the program.
///
/// Opening reads names, types and shapes; numbers are read when a module is loaded. The files stay open as long as
/// this value lives, and as long as tensors that use them in place do: **they must not be overwritten or shortened in
/// that time** (replacing one by renaming another over it is fine).
#[derive(Debug, Clone)]
pub struct Weights {
    pub(crate) path: PathBuf,
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// Type and shape of a stored tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Lengths of its axes, outermost first; empty for a single number.
    pub shape: Vec<usize>,
}

impl Weights {
    /// Opens one file; its content says what it is, not its name: safetensors, or pickled by torch (any version since
    /// 0.1.10; nothing in it is executed). A file named `*.json` is an index of several such files beside it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is cut short, contradicts itself or is of another kind.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let entries = if path.extension().is_some_and(|extension| extension == "json") {
            shards::open(path)?
        } else {
            open_file(path)?
        };
        Ok(Self { path: path.into(), entries })
    }

    /// Opens the weights in `folder` whose name, without its ending, is one of `stems`, as `diffusion_pytorch_model`.
    ///
    /// Safetensors come before pickles, one file before several, full precision (no `.fp16.` in the name) before half.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NotFound`] says which names were looked for; otherwise as [`Self::open`].
    pub fn find(folder: &Path, stems: &[&str]) -> Result<Self, WeightsError> {
        Self::open(&find::find(folder, stems)?)
    }

    /// Opens a file that is in memory, or compiled into the program. `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn from_bytes(name: &str, bytes: impl Into<Bytes>) -> Result<Self, WeightsError> {
        let entries = open_storage(Storage::from_bytes(name, bytes.into()))?;
        Ok(Self { path: name.into(), entries })
    }

    /// What was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors, sorted by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), &entry.info))
    }

    /// The numbers of the tensor `key`, in row-major order.
    ///
    /// # Errors
    ///
    /// No such tensor, or one of another type than floating-point numbers; and what the system refuses.
    pub fn numbers(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        let tensor = || (self.path.clone(), key.to_owned());
        let Some(entry) = self.entries.get(key) else {
            let (path, key) = tensor();
            return Err(WeightsError::NoTensor { path, key });
        };
        let dtype = entry.info.dtype;
        let Some(size) = float_size(dtype) else {
            let (path, key) = tensor();
            return Err(WeightsError::NotFloat { path, key, found: dtype });
        };
        let mut numbers = Vec::new();
        let failed = |source| {
            let (path, key) = tensor();
            WeightsError::Tensor { path, key, source }
        };
        entry.pieces(failed, |piece| {
            let start = numbers.len();
            numbers.resize(start + piece.len() / size, 0.0);
            widen(piece, dtype, &mut numbers[start..]);
            Ok(())
        })?;
        Ok(numbers)
    }

    /// These with the tensors of `adapter` beside them, as if one file had both. No numbers are read or copied.
    ///
    /// # Errors
    ///
    /// [`WeightsError::SameParameter`] for a tensor that both have: a base that is grounded already.
    pub fn with(&self, adapter: &Self) -> Result<Self, WeightsError> {
        let path = format!("{} with {}", self.path.display(), adapter.path.display());
        let both = self.entries.iter().chain(&adapter.entries);
        Self { path: path.into(), entries: BTreeMap::new() }
            .named(both.map(|(key, entry)| (key.as_str(), key.clone(), entry.clone())))
    }

    /// Those of the same file under other names: each tensor comes with its key, which errors call it, and its name.
    pub(crate) fn named<'a>(
        &self,
        tensors: impl Iterator<Item = (&'a str, String, Entry)>,
    ) -> Result<Self, WeightsError> {
        let mut keys = BTreeMap::new();
        let mut entries = BTreeMap::new();
        for (key, name, entry) in tensors {
            if let Some(first) = keys.insert(name.clone(), key) {
                return Err(WeightsError::SameParameter {
                    path: self.path.clone(),
                    parameter: name,
                    first: first.to_owned(),
                    second: key.to_owned(),
                });
            }
            entries.insert(name, entry);
        }
        Ok(Self { path: self.path.clone(), entries })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// `module` with all its floating-point parameters read from here, as f32, on the devices they are declared for.
    ///
    /// Shapes must be equal; axes of length 1 at the end do not count, so that a single number fills `[1]` and the
    /// weights of a 1×1 convolution those of the same linear map.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] lists everything that does not fit; also tensors that cannot be read, and names that
    /// `keys` makes equal.
    pub fn load<M: Module>(&self, module: M, keys: &KeyMap) -> Result<M, WeightsError> {
        load(&self.path, &self.entries, module, keys)
    }
}

/// The tensors of one file, by name.
pub(crate) fn open_file(path: &Path) -> Result<BTreeMap<String, Entry>, WeightsError> {
    open_storage(Storage::open(path)?)
}

fn open_storage(storage: Storage) -> Result<BTreeMap<String, Entry>, WeightsError> {
    let path = storage.path().to_owned();
    let start = storage.bytes(0, storage.len().min(pickle::LOOKED_AT))?;
    let named_so = path.extension().is_some_and(|extension| extension == "safetensors");
    let listed = if header::is_safetensors(&start) || (named_so && !pickle::is_pickle(&start)) {
        header::read(storage)?
    } else {
        pickle::read(storage, &start)?
    };
    let mut entries = BTreeMap::new();
    for (key, entry) in listed {
        if let Some(_twice) = entries.insert(key.clone(), entry) {
            return Err(WeightsError::Damaged { path, problem: format!("it has the tensor {key} twice") });
        }
    }
    Ok(entries)
}
