//! Writes safetensors, one tensor at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::storage::Storage;
use crate::temporary::Temporary;
use crate::{Dtype, WeightsError};

/// A safetensors file in the making.
///
/// What will be in it is announced first; then the numbers are given, tensor after tensor in that order, in as many
/// pieces as is convenient. The file is written under another name beside its own, which it gets only when it is
/// whole and on disk: a crash, an error or a dropped writer leaves nothing half-written under the final name, and what a
/// killed program left is removed when the same file is begun again.
///
/// See the example of the crate.
#[derive(Debug)]
pub struct SafetensorsWriter {
    path: PathBuf,
    file: BufWriter<File>,
    // Dropped after the file: some systems do not remove one that is open.
    temporary: Temporary,
    /// Names and sizes in bytes of the tensors to come, last first.
    waiting: Vec<(String, u64)>,
    /// Bytes of the tensor at the end of `waiting` that have been given.
    given: u64,
}

impl SafetensorsWriter {
    /// Begins the file at `path` with `tensors`: name, type and shape each; `metadata` are texts that the file keeps,
    /// as `format: pt`. A file that exists there is replaced in the end.
    ///
    /// Tensors of wide types should come first: each then lies at an address that fits its type, and f32 is used in
    /// place when it is read.
    ///
    /// # Errors
    ///
    /// A name twice, a type that is not written, and a folder that cannot be written to.
    pub fn create(
        path: &Path,
        tensors: &[(impl AsRef<str>, Dtype, Vec<usize>)],
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, WeightsError> {
        let refused = |problem| WeightsError::Announcement { path: path.into(), problem };
        let mut header = serde_json::Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".into(), json!(metadata));
        }
        let mut waiting = Vec::new();
        let mut start = 0u64;
        for (key, dtype, shape) in tensors {
            let key = key.as_ref();
            let Some(size) = dtype.size() else {
                return Err(refused(format!("tensor {key}: {dtype} is not written")));
            };
            let bytes = shape.iter().try_fold(size as u64, |bytes, &length| bytes.checked_mul(length as u64));
            let Some((bytes, end)) = bytes.and_then(|bytes| Some((bytes, start.checked_add(bytes)?))) else {
                return Err(refused(format!("tensor {key}: shape {shape:?} is larger than any file")));
            };
            let entry = json!({"dtype": dtype.name(), "shape": shape, "data_offsets": [start, end]});
            if key == "__metadata__" || header.insert(key.into(), entry).is_some() {
                return Err(refused(format!("tensor {key}: the name is taken")));
            }
            waiting.push((key.to_owned(), bytes));
            start = end;
        }
        waiting.reverse();
        let mut header = serde_json::Value::from(header).to_string().into_bytes();
        // Padded so that the numbers begin at an address that fits every type.
        header.resize(header.len().next_multiple_of(8), b' ');

        let written = |source| WeightsError::Write { path: path.into(), source };
        let (file, temporary) = Temporary::file(path).map_err(written)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(written)?;
        file.write_all(&header).map_err(written)?;
        Ok(Self { path: path.into(), file, temporary, waiting, given: 0 })
    }

    /// Takes the next bytes, little-endian and row-major, of the tensor whose turn it is.
    ///
    /// # Errors
    ///
    /// More bytes than that tensor has; and what a disk can do.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.skip_whole();
        let Some((key, size)) = self.waiting.last() else {
            return if bytes.is_empty() {
                Ok(())
            } else {
                Err(self.wrong_size("after the last", 0, bytes.len() as u64))
            };
        };
        let given = self.given + bytes.len() as u64;
        if given > *size {
            return Err(self.wrong_size(key, *size, given));
        }
        self.file
            .write_all(bytes)
            .map_err(|source| WeightsError::Write { path: self.path.clone(), source })?;
        self.given = given;
        Ok(())
    }

    /// Puts the whole file on disk and gives it its name.
    ///
    /// # Errors
    ///
    /// A tensor of which bytes are missing; and what a disk can do.
    pub fn finish(self) -> Result<(), WeightsError> {
        self.seal()?.publish()
    }

    /// Puts the whole file on disk, still under its temporary name.
    pub(crate) fn seal(mut self) -> Result<Sealed, WeightsError> {
        self.skip_whole();
        if let Some((key, size)) = self.waiting.last() {
            return Err(self.wrong_size(key, *size, self.given));
        }
        let Self { path, file, temporary, .. } = self;
        let written = |source| WeightsError::Write { path: path.clone(), source };
        let file = file.into_inner().map_err(|error| written(error.into_error()))?;
        file.sync_all().map_err(written)?;
        Ok(Sealed { path, file, temporary })
    }

    /// Goes on to the next tensor that still needs bytes.
    fn skip_whole(&mut self) {
        while self.waiting.last().is_some_and(|(_, size)| self.given == *size) {
            self.waiting.pop();
            self.given = 0;
        }
    }

    fn wrong_size(&self, key: &str, expected: u64, found: u64) -> WeightsError {
        WeightsError::WrongSize { path: self.path.clone(), key: key.into(), expected, found }
    }
}

/// A file that is whole, and has not got its name yet.
#[derive(Debug)]
pub(crate) struct Sealed {
    path: PathBuf,
    file: File,
    temporary: Temporary,
}

impl Sealed {
    /// The file, to be read back.
    pub(crate) fn storage(&self) -> Result<Storage, WeightsError> {
        Storage::of(&self.path, &self.file)
            .map_err(|source| WeightsError::Read { path: self.path.clone(), source })
    }

    /// Gives the file its name.
    pub(crate) fn publish(mut self) -> Result<(), WeightsError> {
        self.temporary.publish().map_err(|source| WeightsError::Write { path: self.path, source })
    }
}
