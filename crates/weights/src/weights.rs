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
    /// See [`Weights::as_stored`].
    pub(crate) as_stored: bool,
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
        Ok(Self { path: path.into(), entries, as_stored: false })
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
        Ok(Self { path: name.into(), entries, as_stored: false })
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
        Self { path: path.into(), entries: BTreeMap::new(), as_stored: self.as_stored }
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
        Ok(Self { path: self.path.clone(), entries, as_stored: self.as_stored })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// These, of which modules get what takes the least memory: tensors of f16 and bf16 with two axes or more as they are
    /// stored, and all that can be used in place where it lies in the file. Such a module must read its matrices and
    /// kernels by operations that take them so, as those of `gligen-kernels` do on the CPU.
    ///
    /// ```
    /// # use burn::{Tensor, module::{Module, Param}, tensor::DType};
    /// # use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights};
    /// #[derive(Module, Debug)]
    /// struct Scales {
    ///     weight: Param<Tensor<2>>,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("model.safetensors");
    /// # let mut writer = SafetensorsWriter::create(&path, &[("weight", Dtype::F16, vec![1, 2])], &Default::default())?;
    /// # writer.write(&[0x00, 0x3c, 0x00, 0xc0])?;
    /// # writer.finish()?;
    /// # let device = gligen_testkit::devices().remove(0);
    /// # let module = Scales { weight: Param::from_tensor(Tensor::zeros([1, 2], &device)) };
    /// let module = Weights::open(&path)?.as_stored().load(module, &KeyMap::new())?;
    /// assert_eq!(module.weight.val().dtype(), DType::F16);
    /// # Ok(())
    /// # }
    /// ```
    pub fn as_stored(self) -> Self {
        Self { as_stored: true, ..self }
    }

    /// Gives back the memory that the use of modules loaded [as stored](Self::as_stored) has taken: what is used again is
    /// read from its file again, which costs little while the system still has it at hand.
    pub fn release(&self) {
        self.entries.values().for_each(Entry::release);
    }

    /// `module` with all its floating-point parameters read from here, on the devices they are declared for: as f32,
    /// unless they stay [as stored](Self::as_stored).
    ///
    /// Shapes must be equal; axes of length 1 at the end do not count, so that a single number fills `[1]` and the
    /// weights of a 1×1 convolution those of the same linear map.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] lists everything that does not fit; also tensors that cannot be read, and names that
    /// `keys` makes equal.
    pub fn load<M: Module>(&self, module: M, keys: &KeyMap) -> Result<M, WeightsError> {
        let module = load(self, module, keys)?;
        // Loading has looked at every number; those that are never used take no memory.
        self.release();
        Ok(module)
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
