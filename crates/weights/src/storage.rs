//! A file, or bytes in memory, of which ranges are handed out without reading the whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;

use crate::WeightsError;
use crate::mapping::Mapping;

/// Where bytes come from.
#[derive(Debug)]
pub(crate) struct Storage {
    path: PathBuf,
    len: u64,
    place: Place,
    /// The whole file, from [`Storage::lasting`] on.
    whole: OnceLock<Mapping>,
}

#[derive(Debug)]
enum Place {
    File(File),
    Memory(Bytes),
}

impl Storage {
    /// Opens the file at `path`, and keeps it open.
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let read = |source| WeightsError::Read { path: path.into(), source };
        // Asked before it is opened: opening a pipe waits for somebody to write to it.
        let kind = std::fs::metadata(path).map_err(read)?.file_type();
        if kind.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        if !kind.is_file() {
            return Err(read(io::Error::other("not a file")));
        }
        let file = File::open(path).map_err(read)?;
        let len = file.metadata().map_err(read)?.len();
        Ok(Self { path: path.into(), len, place: Place::File(file), whole: OnceLock::new() })
    }

    /// The open `file`, whatever name it has by now; errors call it `path`.
    pub(crate) fn of(path: &Path, file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let len = file.metadata()?.len();
        Ok(Self { path: path.into(), len, place: Place::File(file), whole: OnceLock::new() })
    }

    /// Bytes in memory; `name` stands for their path in errors.
    pub(crate) fn from_bytes(name: &str, bytes: Bytes) -> Self {
        let len = bytes.len() as u64;
        Self { path: name.into(), len, place: Place::Memory(bytes), whole: OnceLock::new() }
    }

    /// What errors call it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in all.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes from `start` on. Those of a file are mapped by themselves, so that dropping them gives back the
    /// memory of just this range.
    ///
    /// A range beyond the end is an error, and nothing is allocated for it.
    pub(crate) fn range(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let end = self.end(start, len)?;
        match &self.place {
            // A mapping of no bytes is refused by the system.
            _ if len == 0 => Ok(Bytes::new()),
            Place::File(file) => Ok(Mapping::new(file, start, len)?.bytes()),
            // Both ends are within a slice, so they fit its index type.
            Place::Memory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
        }
    }

    /// As [`Self::range`], of one mapping of the whole file, whose memory [`Self::release`] gives back while the bytes are
    /// in use.
    pub(crate) fn lasting(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let end = self.end(start, len)?;
        let Place::File(file) = &self.place else { return self.range(start, len) };
        if len == 0 {
            return Ok(Bytes::new());
        }
        let whole = match self.whole.get() {
            Some(whole) => whole,
            None => {
                let whole = Mapping::new(file, 0, usize::try_from(self.len).map_err(io::Error::other)?)?;
                self.whole.get_or_init(|| whole)
            }
        };
        Ok(whole.bytes().slice(start as usize..end as usize))
    }

    /// Gives back the memory of what was read by [`Self::lasting`] until it is read again.
    pub(crate) fn release(&self) {
        if let Some(whole) = self.whole.get() {
            whole.release();
        }
    }

    fn end(&self, start: u64, len: usize) -> io::Result<u64> {
        let end = start.checked_add(len as u64).filter(|&end| end <= self.len);
        end.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{len} bytes from {start} on lie beyond the end at {}", self.len),
            )
        })
    }

    /// As [`Self::range`], for what the file's own records point to.
    pub(crate) fn bytes(&self, start: u64, len: u64) -> Result<Bytes, WeightsError> {
        let len = self.within(start, len)?;
        self.range(start, len).map_err(|source| WeightsError::Read { path: self.path.clone(), source })
    }

    /// Refuses a range that the file's own records point to and that it does not have; returns its length.
    pub(crate) fn within(&self, start: u64, len: u64) -> Result<usize, WeightsError> {
        match (start.checked_add(len), usize::try_from(len)) {
            (Some(end), Ok(len)) if end <= self.len => Ok(len),
            (end, _) => {
                let expected = end.unwrap_or(u64::MAX);
                Err(WeightsError::Truncated { path: self.path.clone(), expected, found: self.len })
            }
        }
    }

    /// What is wrong with the file.
    pub(crate) fn damaged(&self, problem: String) -> WeightsError {
        WeightsError::Damaged { path: self.path.clone(), problem }
    }
}
