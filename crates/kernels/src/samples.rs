//! Computing the samples of a batch beside each other.

use std::ops::Range;

use burn::tensor::Device;

use crate::device::is_flex;

/// The parts in which a batch of `batch` samples should go through a network on `device`.
///
/// On the CPU each sample goes alone, on whatever thread is free: that keeps all of them busy also where a single
/// operation is too small to be shared, and makes a sample's numbers independent of the batch it is in. A GPU takes
/// the batch as a whole.
pub fn parts(device: &Device, batch: usize) -> Vec<Range<usize>> {
    match is_flex(device) {
        true => (0..batch).map(|sample| sample..sample + 1).collect(),
        false => std::iter::once(0..batch).collect(),
    }
}

/// `f` of every part, in order; on the CPU beside each other.
pub fn map_parts<T: Sync, R: Send>(
    device: &Device,
    parts: &[T],
    f: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    #[cfg(feature = "flex")]
    if is_flex(device) {
        use rayon::prelude::*;
        return parts.par_iter().map(f).collect();
    }
    let _ = device;
    parts.iter().map(f).collect()
}
