//! A part of a file as bytes in memory: the one room of this crate with `unsafe`.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// Bytes of a file, read-only; the system reads them when they are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Mapping(Arc<Mmap>);

impl Mapping {
    /// Maps `len` bytes of `file` from `start` on, which it must have.
    pub(crate) fn new(file: &File, start: u64, len: usize) -> io::Result<Self> {
        // SAFETY: the mapping is read-only, and the caller has checked that it lies within the file. What Rust cannot
        // check is that nobody shortens or overwrites the file in place while it is mapped; that is a stated condition
        // of `Weights::open`, and programs that publish weights replace files by renaming.
        let map = unsafe { MmapOptions::new().offset(start).len(len).map(file) }?;
        Ok(Self(Arc::new(map)))
    }

    /// All of it, for as long as anybody holds them.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }

    /// Gives back the memory of what was looked at. It can be looked at again, and is then read once more.
    pub(crate) fn release(&self) {
        #[cfg(unix)]
        {
            // SAFETY: what this advice can lose are changes, and of a read-only mapping of a file there are none:
            // whoever reads it meanwhile or afterwards finds the bytes of the file as before.
            let advised = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            // A system that refuses keeps the pages for as long as it has room for them.
            let _ = advised;
        }
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
