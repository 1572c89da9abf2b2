//! Bytes of a file as single-precision numbers, in place where they are that already.

use burn::tensor::{AllocationProperty, Bytes, f16};
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use crate::Dtype;

/// Numbers converted at a time by one thread.
const CHUNK: usize = 1 << 16;

/// Numbers of one tensor, ready to become a Burn tensor.
pub(crate) struct Floats {
    /// f32 in row-major order.
    pub(crate) bytes: Bytes,
    /// How many are infinite or not a number.
    pub(crate) non_finite: usize,
}

/// The numbers in `bytes`, which are of type `dtype`; `None` where these are not floating-point numbers.
///
/// f32 numbers at an address that allows it are used in place, so that tensors of a mapped file take no memory of
/// their own. Everything else is converted into new memory; a double beyond the range of f32 becomes infinite.
pub(crate) fn floats(bytes: bytes::Bytes, dtype: Dtype) -> Option<Floats> {
    Some(match dtype {
        Dtype::F32 if bytes.as_ptr().addr().is_multiple_of(align_of::<f32>()) => {
            let non_finite =
                bytes.par_chunks(CHUNK * size_of::<f32>()).map(|chunk| count(numbers(chunk))).sum();
            Floats { bytes: Bytes::from_shared(bytes, AllocationProperty::File), non_finite }
        }
        Dtype::F32 => convert::<4>(&bytes, |from, to| fill(to, numbers(from))),
        Dtype::F16 => convert::<2>(&bytes, halves),
        Dtype::BF16 => convert::<2>(&bytes, |from, to| {
            let bits = from.as_chunks().0.iter().map(|&pair| u16::from_le_bytes(pair));
            fill(to, bits.map(|bits| f32::from_bits(u32::from(bits) << 16)));
        }),
        Dtype::F64 => convert::<8>(&bytes, |from, to| {
            fill(to, from.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight) as f32));
        }),
        _ => return None,
    })
}

/// New memory with what `one` makes of `bytes`, `SIZE` of them for each number. Each number is made by itself, so the
/// threads at hand change nothing in the result.
fn convert<const SIZE: usize>(bytes: &[u8], one: impl Fn(&[u8], &mut [f32]) + Sync) -> Floats {
    let mut floats = vec![0.0; bytes.len() / SIZE];
    let chunks = floats.par_chunks_mut(CHUNK).zip(bytes.par_chunks(CHUNK * SIZE));
    let non_finite = chunks
        .map(|(to, from)| {
            one(from, to);
            count(to.iter().copied())
        })
        .sum();
    Floats { bytes: Bytes::from_elems(floats), non_finite }
}

/// Half-precision numbers, widened by the processor's own instructions where it has them.
fn halves(from: &[u8], to: &mut [f32]) {
    // The bytes may lie at an odd address, so they go through a small buffer of the right type.
    let mut buffer = [f16::ZERO; 1024];
    for (from, to) in from.chunks(2 * buffer.len()).zip(to.chunks_mut(buffer.len())) {
        let buffer = &mut buffer[..to.len()];
        for (half, &pair) in buffer.iter_mut().zip(from.as_chunks().0) {
            *half = f16::from_le_bytes(pair);
        }
        buffer.convert_to_f32_slice(to);
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four))
}

fn fill(to: &mut [f32], from: impl Iterator<Item = f32>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

fn count(numbers: impl Iterator<Item = f32>) -> usize {
    numbers.map(|x| usize::from(!x.is_finite())).sum()
}
