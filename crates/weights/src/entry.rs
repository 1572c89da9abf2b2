//! One tensor of a checkpoint: where its numbers are, and reading them.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::derived::Derived;
use crate::storage::Storage;
use crate::weights::TensorInfo;

/// Bytes of a tensor that are at hand at a time when it is read in pieces: a whole number of numbers of any type.
const PIECE: usize = 4 << 20;

/// One tensor of a checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) info: TensorInfo,
    pub(crate) data: Data,
}

/// Where the numbers of a tensor are.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A range of a file, in row-major order.
    Stored { storage: Arc<Storage>, start: u64, len: usize },
    /// Scattered over a file: from `start` on, with so many numbers from one to the next along each axis.
    Strided { storage: Arc<Storage>, start: u64, strides: Vec<usize> },
    /// Made of others when asked for.
    Derived(Arc<dyn Derived>),
}

impl Entry {
    /// The bytes of the tensor in row-major order, little-endian. Those of a file are mapped where they lie so.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        match &self.data {
            Data::Stored { storage, start, len } => storage.range(*start, *len),
            Data::Strided { .. } => {
                let mut bytes = Vec::new();
                self.pieces(
                    |error| error,
                    |piece| {
                        bytes.extend_from_slice(piece);
                        Ok(())
                    },
                )?;
                Ok(Bytes::from(bytes))
            }
            Data::Derived(tensor) => {
                let numbers = tensor.numbers()?;
                Ok(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
            }
        }
    }

    /// As [`Self::read`], of a mapping whose memory [`Self::release`] gives back while the bytes are in use.
    pub(crate) fn read_lasting(&self) -> io::Result<Bytes> {
        match &self.data {
            Data::Stored { storage, start, len } => storage.lasting(*start, *len),
            Data::Strided { .. } | Data::Derived(_) => self.read(),
        }
    }

    /// Gives back the memory of the file that it is in.
    pub(crate) fn release(&self) {
        if let Data::Stored { storage, .. } = &self.data {
            storage.release();
        }
    }

    /// `len` bytes from the byte `at` on of a tensor that lies in row-major order.
    pub(crate) fn stored(&self, at: usize, len: usize) -> io::Result<Bytes> {
        match &self.data {
            Data::Stored { storage, start, .. } => storage.range(start + at as u64, len),
            Data::Strided { .. } | Data::Derived(_) => Err(io::Error::other("not stored in row-major order")),
        }
    }

    /// Takes off the last two axes, of length 1: those of a 1×1 convolution that is used as a linear map.
    pub(crate) fn squeeze(&mut self) {
        let axes = self.info.shape.len().saturating_sub(2);
        self.info.shape.truncate(axes);
        if let Data::Strided { strides, .. } = &mut self.data {
            strides.truncate(axes);
        }
    }

    /// Gives `take` the same bytes in pieces of a few MiB, so that a tensor of any size takes no more memory than that.
    ///
    /// Pieces end where numbers end. What the system refuses goes through `failed`.
    pub(crate) fn pieces<E>(
        &self,
        failed: impl Fn(io::Error) -> E,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.data {
            Data::Stored { len, .. } => (0..*len).step_by(PIECE).try_for_each(|at| {
                let piece = self.stored(at, PIECE.min(len - at)).map_err(&failed)?;
                take(&piece)
            }),
            Data::Strided { storage, start, strides } => {
                let width = self.info.dtype.size().unwrap_or(1);
                let steps: Vec<_> = self.info.shape.iter().copied().zip(strides.iter().copied()).collect();
                let last = steps.iter().map(|(length, stride)| (length - 1) * stride).sum::<usize>();
                let span = storage.range(*start, (last + 1) * width).map_err(failed)?;
                gather(&span, &steps, width, take)
            }
            Data::Derived(_) => take(&self.read().map_err(failed)?),
        }
    }
}

/// Gives `take` the numbers of `span`, `width` bytes each, in the order of `steps`: length and stride of each axis, which
/// stay within the span.
fn gather<E>(
    span: &[u8],
    steps: &[(usize, usize)],
    width: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = Vec::new();
    let mut index = vec![0; steps.len()];
    let mut at = 0;
    loop {
        buffer.extend_from_slice(&span[at * width..(at + 1) * width]);
        if buffer.len() >= PIECE {
            take(&buffer)?;
            buffer.clear();
        }
        // On to the next number: the last axis that is not at its end moves on, those after it begin again.
        let mut moved = false;
        for (index, &(length, stride)) in index.iter_mut().zip(steps).rev() {
            if *index + 1 < length {
                *index += 1;
                at += stride;
                moved = true;
                break;
            }
            at -= *index * stride;
            *index = 0;
        }
        if !moved {
            return if buffer.is_empty() { Ok(()) } else { take(&buffer) };
        }
    }
}
