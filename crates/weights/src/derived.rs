//! Tensors that are made of stored ones when they are asked for.

use std::fmt::Debug;
use std::io;

use crate::entry::Entry;
use crate::floats::floats;

/// A tensor that no file holds as it is. Nothing is read before [`Derived::numbers`], and nothing is kept after it.
pub(crate) trait Derived: Debug + Send + Sync {
    /// Its numbers in row-major order.
    fn numbers(&self) -> io::Result<Vec<f32>>;
}

impl Entry {
    /// The numbers of the tensor in row-major order, in memory of their own.
    pub(crate) fn numbers(&self) -> io::Result<Vec<f32>> {
        let dtype = self.info.dtype;
        let floats = floats(self.read()?, dtype)
            .ok_or_else(|| io::Error::other(format!("expected floating-point numbers, found {dtype}")))?;
        Ok(floats.bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
    }
}
