//! Bytes of a file as the numbers of a tensor, in place where they are that already.

use burn::tensor::{AllocationProperty, Bytes, DType, f16};
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use crate::Dtype;

/// Numbers converted at a time by one thread.
const CHUNK: usize = 1 << 16;

/// Numbers of one tensor, ready to become a Burn tensor.
pub(crate) struct Floats {
    /// In row-major order.
    pub(crate) bytes: Bytes,
    /// What they are.
    pub(crate) dtype: DType,
    /// How many are infinite or not a number.
    pub(crate) non_finite: usize,
}

/// The numbers in `bytes`, which are of type `dtype`; `None` where these are not floating-point numbers.
///
/// f32 numbers at an address that allows it are used in place, so that tensors of a mapped file take no memory of
/// their own. Everything else is converted into new memory; a double beyond the range of f32 becomes infinite.
pub(crate) fn floats(bytes: bytes::Bytes, dtype: Dtype) -> Option<Floats> {
    let size = float_size(dtype)?;
    if dtype == Dtype::F32 && bytes.as_ptr().addr().is_multiple_of(align_of::<f32>()) {
        let non_finite = bytes.par_chunks(CHUNK * size_of::<f32>()).map(|chunk| count(numbers(chunk))).sum();
        let bytes = Bytes::from_shared(bytes, AllocationProperty::File);
        return Some(Floats { bytes, dtype: DType::F32, non_finite });
    }
    // Each number is made by itself, so the threads at hand change nothing in the result.
    let mut floats = vec![0.0; bytes.len() / size];
    let chunks = floats.par_chunks_mut(CHUNK).zip(bytes.par_chunks(CHUNK * size));
    let non_finite = chunks
        .map(|(to, from)| {
            widen(from, dtype, to);
            count(to.iter().copied())
        })
        .sum();
    Some(Floats { bytes: Bytes::from_elems(floats), dtype: DType::F32, non_finite })
}

/// The numbers in `bytes` as they are, where they are of f16 or bf16: in place at an address that allows it, else copied.
pub(crate) fn narrow(bytes: bytes::Bytes, dtype: Dtype) -> Option<Floats> {
    // With all bits of its exponent a number is infinite, or none.
    let (dtype, exponent) = match dtype {
        Dtype::F16 => (DType::F16, 0x7c00),
        Dtype::BF16 => (DType::BF16, 0x7f80),
        _ => return None,
    };
    let is_none = |bits: u16| usize::from(bits & exponent == exponent);
    let non_finite = |chunk| bits(chunk).map(is_none).sum::<usize>();
    let non_finite = bytes.par_chunks(CHUNK * size_of::<u16>()).map(non_finite).sum();
    let bytes = match bytes.as_ptr().addr().is_multiple_of(align_of::<u16>()) {
        true => Bytes::from_shared(bytes, AllocationProperty::File),
        false => Bytes::from_elems(bits(&bytes).collect::<Vec<u16>>()),
    };
    Some(Floats { bytes, dtype, non_finite })
}

/// Bytes of a number of type `dtype`; `None` where these are not floating-point numbers.
pub(crate) fn float_size(dtype: Dtype) -> Option<usize> {
    matches!(dtype, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16).then(|| dtype.size()).flatten()
}

/// The numbers `from`, of one of the types that have a [`float_size`], at any address, as f32.
pub(crate) fn widen(from: &[u8], dtype: Dtype, to: &mut [f32]) {
    match dtype {
        Dtype::F64 => fill(to, from.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight) as f32)),
        Dtype::F16 => halves(from, to),
        Dtype::BF16 => fill(to, bits(from).map(|bits| f32::from_bits(u32::from(bits) << 16))),
        _ => fill(to, numbers(from)),
    }
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

fn bits(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|&pair| u16::from_le_bytes(pair))
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four))
}

fn fill(to: &mut [f32], from: impl Iterator<Item = f32>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

/// How many are infinite or not a number.
pub(crate) fn count(numbers: impl Iterator<Item = f32>) -> usize {
    numbers.map(|x| usize::from(!x.is_finite())).sum()
}
