//! A file, or bytes compiled into the program, of which ranges are handed out without reading the whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

use crate::WeightsError;

/// Where bytes come from.
#[derive(Debug)]
pub(crate) struct Storage {
    path: PathBuf,
    len: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(File),
    Static(&'static [u8]),
}

impl Storage {
    /// Opens the file at `path`, and keeps it open.
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let read = |source| WeightsError::Read { path: path.into(), source };
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { path: path.into(), len: metadata.len(), place: Place::File(file) })
    }

    /// Bytes that are part of the program; `name` stands for their path in errors.
    pub(crate) fn from_static(name: &str, bytes: &'static [u8]) -> Self {
        Self { path: name.into(), len: bytes.len() as u64, place: Place::Static(bytes) }
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
        let end = start.checked_add(len as u64).filter(|&end| end <= self.len);
        let Some(end) = end else {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{len} bytes from {start} on lie beyond the end at {}", self.len),
            ));
        };
        match &self.place {
            // A mapping of no bytes is refused by the system.
            _ if len == 0 => Ok(Bytes::new()),
            Place::File(file) => Ok(Bytes::from_owner(map(file, start, len)?)),
            // Both ends are within a slice, so they fit its index type.
            Place::Static(bytes) => Ok(Bytes::from_static(&bytes[start as usize..end as usize])),
        }
    }
}

/// Maps `len` bytes of `file` from `start` on, read-only.
#[allow(unsafe_code)]
fn map(file: &File, start: u64, len: usize) -> io::Result<Mmap> {
    // SAFETY: the mapping is read-only and private to this process, and the caller has checked that it lies within
    // the file. What Rust cannot check is that nobody shortens or overwrites the file in place while it is mapped;
    // that is a stated condition of `Weights::open`, and programs that publish weights replace files by renaming.
    unsafe { MmapOptions::new().offset(start).len(len).map(file) }
}
