//! An opened checkpoint: its tensors by name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Module;
use bytes::Bytes;

use crate::derived::Derived;
use crate::loader::load;
use crate::storage::Storage;
use crate::{Dtype, KeyMap, WeightsError, find, header, pickle, shards};

/// An opened checkpoint: one file or several, mapped or compiled into the program.
///
/// Opening reads names, types and shapes; numbers are read when a module is loaded. The files stay open as long as
/// this value lives, and as long as tensors that use them in place do: **they must not be overwritten or shortened in
/// that time** (replacing one by renaming another over it is fine).
#[derive(Debug)]
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

/// One tensor of a checkpoint.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) info: TensorInfo,
    pub(crate) data: Data,
}

/// Where the numbers of a tensor are.
#[derive(Debug)]
pub(crate) enum Data {
    /// A range of a file, in row-major order.
    Stored { storage: Arc<Storage>, start: u64, len: usize },
    /// A pickle's, gathered from its storage when asked for.
    Pickled(pytorch_reader::Tensor),
    /// Made of others when asked for.
    Derived(Arc<dyn Derived>),
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
            open_file(path)?.into_iter().collect()
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

    /// Opens a safetensors file that is compiled into the program. `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// Bytes that are not a whole safetensors file.
    pub fn from_static(name: &str, bytes: &'static [u8]) -> Result<Self, WeightsError> {
        let entries = header::read(Storage::from_static(name, bytes))?;
        Ok(Self { path: name.into(), entries: entries.into_iter().collect() })
    }

    /// What was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors, sorted by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), &entry.info))
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

/// The tensors of one file.
pub(crate) fn open_file(path: &Path) -> Result<Vec<(String, Entry)>, WeightsError> {
    let storage = Storage::open(path)?;
    let length = storage.len().min(pickle::LOOKED_AT);
    let start = storage
        .range(0, length as usize)
        .map_err(|source| WeightsError::Read { path: path.into(), source })?;
    let named_so = path.extension().is_some_and(|extension| extension == "safetensors");
    if header::is_safetensors(&start) || (named_so && !pickle::is_pickle(&start)) {
        header::read(storage)
    } else {
        pickle::read(path, &start)
    }
}

impl Entry {
    /// The bytes of the tensor in row-major order, little-endian.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        match &self.data {
            Data::Stored { storage, start, len } => storage.range(*start, *len),
            Data::Pickled(tensor) => tensor.read().map(Bytes::from),
            Data::Derived(tensor) => {
                let numbers = tensor.numbers()?;
                Ok(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
            }
        }
    }
}
