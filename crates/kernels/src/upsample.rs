//! Doubling the sides of a feature map.

use burn::Tensor;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

#[cfg(feature = "flex")]
use crate::flex;

/// Repeats the pixels of `x`, `[batch, channels, height, width]`, to `[batch, channels, size[0], size[1]]`: row i of the
/// result is row ⌊i · height / size\[0\]⌋ of `x`, and columns likewise.
///
/// The fast path takes sizes that are twice those of `x`, or one less: there it is row ⌊i / 2⌋.
pub fn upsample_nearest(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    #[cfg(feature = "flex")]
    {
        let [.., height, width] = x.dims();
        let doubles = |side: usize, size: usize| side > 0 && (size == 2 * side || size + 1 == 2 * side);
        if flex::applies(&x) && doubles(height, size[0]) && doubles(width, size[1]) {
            return fast::double(x, size);
        }
    }
    upsample_nearest_plain(x, size)
}

/// The plain version of [`upsample_nearest`].
pub fn upsample_nearest_plain(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use rayon::prelude::*;

    use crate::flex::{contiguous, tensor, vectorised};
    use crate::memory::for_results;

    pub(super) fn double(x: Tensor<4>, [rows, columns]: [usize; 2]) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let x = contiguous(x);
        let x = x.as_slice::<f32>().unwrap_or_default();
        let mut result = for_results(batch * channels * rows * columns);
        let maps = result.par_chunks_mut(rows * columns).zip(x.par_chunks(height * width));
        maps.for_each(|(result, x)| {
            vectorised(
                #[inline(always)]
                || {
                    for (result, x) in result.chunks_mut(2 * columns).zip(x.chunks_exact(width)) {
                        let (above, below) = result.split_at_mut(columns);
                        let (pairs, odd) = above.as_chunks_mut::<2>();
                        pairs.iter_mut().zip(x).for_each(|(pair, &x)| *pair = [x, x]);
                        odd.fill(x[width - 1]);
                        below.copy_from_slice(&above[..below.len()]);
                    }
                },
            );
        });
        tensor(result, [batch, channels, rows, columns])
    }
}
