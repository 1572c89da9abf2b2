//! What can be wrong with a checkpoint.

use std::io;
use std::path::PathBuf;

use crate::{Dtype, LoadReport, PickleError};

/// Errors of this crate. Each names the file it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A file cannot be opened or read.
    #[error("{path}: {source}", path = .path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder holds no weights under any of the names looked for.
    #[error("{folder}: no weights found, looked for {list}", folder = .folder.display(), list = .looked_for.join(", "))]
    NotFound {
        /// Which one.
        folder: PathBuf,
        /// Names of files, in the order they are preferred.
        looked_for: Vec<String>,
    },
    /// A file is of no kind that is read here.
    #[error("{path}: expected safetensors, a pickled checkpoint or an index, found {found}", path = .path.display())]
    UnknownFormat {
        /// Which one.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// A file of weights is no checkpoint of a model.
    #[error("{path}: expected a Stable Diffusion 1.x or GLIGEN checkpoint, found {found}", path = .path.display())]
    NoCheckpoint {
        /// Which one.
        path: PathBuf,
        /// What it is, or what its tensors are called.
        found: String,
    },
    /// A checkpoint has tensors that belong to no network.
    #[error("{path}: {count} tensors that belong to no network: {list}", path = .path.display(), count = .keys.len(), list = first(.keys))]
    UnknownTensors {
        /// Which one.
        path: PathBuf,
        /// Their keys.
        keys: Vec<String>,
    },
    /// A file ends before the tensors that it announces.
    #[error("{path}: cut short: expected {expected} bytes, found {found}", path = .path.display())]
    Truncated {
        /// Which one.
        path: PathBuf,
        /// Bytes that its header announces.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A file contradicts itself.
    #[error("{path}: damaged: {problem}", path = .path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// A zip archive ends before its directory, which comes last.
    #[error("{path}: cut short: the archive's directory, which comes last, is missing", path = .path.display())]
    CutArchive {
        /// Which one.
        path: PathBuf,
    },
    /// A zip archive was compressed, which torch never does.
    #[error("{path}: expected an archive whose members are stored, `{member}` is compressed", path = .path.display())]
    Compressed {
        /// Which one.
        path: PathBuf,
        /// The member.
        member: String,
    },
    /// A pickled checkpoint cannot be parsed.
    #[error("{path}: {source}", path = .path.display())]
    Pickle {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: PickleError,
    },
    /// The index of a checkpoint in several files is not one.
    #[error("{path}: {problem}", path = .path.display())]
    Index {
        /// Which one.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// An index names a file outside its own folder.
    #[error("{path}: expected the name of a file beside it, found `{shard}`", path = .path.display())]
    ShardName {
        /// The index.
        path: PathBuf,
        /// The name.
        shard: String,
    },
    /// A file that the index names is missing.
    #[error("{path}: names `{shard}`, which is missing", path = .path.display())]
    ShardMissing {
        /// The index.
        path: PathBuf,
        /// Name of the file.
        shard: String,
    },
    /// A tensor is not in the file that the index names for it.
    #[error("{path}: expected tensor {key} in `{shard}`, which does not have it", path = .path.display())]
    NotInShard {
        /// The index.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// Name of the file.
        shard: String,
    },
    /// A file has a tensor that the index does not list.
    #[error("{path}: `{shard}` has the tensor {key}, which is not listed", path = .path.display())]
    NotInIndex {
        /// The index.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// Name of the file.
        shard: String,
    },
    /// Two tensors of a file become the same parameter.
    #[error("{path}: tensors {first} and {second} are both for parameter {parameter}", path = .path.display())]
    SameParameter {
        /// The file.
        path: PathBuf,
        /// Path in the module.
        parameter: String,
        /// Name of one tensor.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// The bytes of a tensor cannot be read.
    #[error("{path}: tensor {key}: {source}", path = .path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// Why.
        source: io::Error,
    },
    /// There is no such tensor.
    #[error("{path}: expected a tensor {key}, found none", path = .path.display())]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// Its name.
        key: String,
    },
    /// A tensor holds no floating-point numbers.
    #[error("{path}: tensor {key}: expected floating-point numbers, found {found}", path = .path.display())]
    NotFloat {
        /// The file.
        path: PathBuf,
        /// Its name.
        key: String,
        /// The type of its numbers.
        found: Dtype,
    },
    /// The tensors are not those of the module.
    #[error("{path}: {report}", path = .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// All that is wrong.
        report: Box<LoadReport>,
    },
    /// A file cannot be written. Nothing is left under its name, or what was there before.
    #[error("{path}: {source}", path = .path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tensor is damaged, which no conversion can mend.
    #[error("{path}: tensor {key}: {count} of its numbers are infinite or NaN", path = .path.display())]
    NonFinite {
        /// The file that it is in.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// How many.
        count: usize,
    },
    /// The type to convert to has too small a range.
    #[error("{path}: tensor {key}: {count} of its numbers are too large for {to}", path = .path.display())]
    Overflow {
        /// The file that it is in.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// How many.
        count: usize,
        /// The type.
        to: Dtype,
    },
    /// What was read back is not what was written: the disk or the memory is at fault.
    #[error("{path}: tensor {key}: what is on the disk is not what was written", path = .path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
    },
    /// A conversion needs a network that the checkpoint lacks.
    #[error("{path}: expected {expected}, found none", path = .path.display())]
    LacksPart {
        /// The checkpoint.
        path: PathBuf,
        /// What it lacks.
        expected: String,
    },
    /// An adapter is to be put on a base that needs none.
    #[error("{path}: its UNet has fusers and a position net already", path = .path.display())]
    Grounded {
        /// The base.
        path: PathBuf,
    },
    /// The name to write to is taken.
    #[error("{path}: it exists already", path = .path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A tensor to be written does not have the size announced for it.
    #[error("{path}: tensor {key}: expected {expected} bytes, found {found}", path = .path.display())]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Name of the tensor.
        key: String,
        /// Bytes that were announced.
        expected: u64,
        /// Bytes that were given.
        found: u64,
    },
    /// Tensors cannot be announced for writing: a name twice, or a type that is not written.
    #[error("{path}: {problem}", path = .path.display())]
    Announcement {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// The first few of many names.
fn first(keys: &[String]) -> String {
    let shown = keys.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    if keys.len() > 5 { format!("{shown}, …") } else { shown }
}
