//! Convolution of feature maps.

use burn::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "flex")]
use crate::flex;

/// Where a square kernel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Pixels from one place to the next.
    pub stride: usize,
    /// Zeros above and left of the map.
    pub before: usize,
    /// Zeros below and right of the map.
    pub after: usize,
}

/// Cross-correlation of `x`, `[batch, in, height, width]`, with `weight`, `[out, in, kernel, kernel]`, plus `bias`,
/// `[out]`: `[batch, out, height', width']`.
///
/// The fast path is a matrix product of the weights as they are with the pixels that they meet (im2col), a few rows
/// of pixels at a time.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, place: Placement) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if flex::applies(&x)
        && flex::applies(&weight)
        && bias.as_ref().is_none_or(flex::applies)
        && x.dims().iter().all(|&axis| axis > 0)
    {
        return fast::conv2d(x, weight, bias, place);
    }
    conv2d_plain(x, weight, bias, place)
}

/// The plain version of [`conv2d`].
pub fn conv2d_plain(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, place: Placement) -> Tensor<4> {
    let padding = [(place.before, place.after); 2];
    module::conv2d(x, weight, bias, ConvOptions::new_with_padding([place.stride; 2], padding, [1; 2], 1))
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use rayon::prelude::*;

    use super::Placement;
    use crate::flex::{Matrix, contiguous, multiply, tensor};

    /// Numbers of the unfolded pixels that are held at a time: 8 MB.
    const UNFOLDED: usize = 1 << 21;
    /// Output channels that one thread takes at a time.
    const CHANNELS: usize = 64;

    pub(super) fn conv2d(
        x: Tensor<4>,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        place: Placement,
    ) -> Tensor<4> {
        let ([batch, inputs, height, width], [outputs, _, kernel, _]) = (x.dims(), weight.dims());
        let size =
            |side: usize| (side + place.before + place.after).saturating_sub(kernel) / place.stride + 1;
        let (rows, columns) = (size(height), size(width));
        let (area, depth) = (rows * columns, inputs * kernel * kernel);
        let (x, weight, bias) = (contiguous(x), contiguous(weight), bias.map(contiguous));
        let mut result = vec![0.0; batch * outputs * area];
        let (Some(numbers), Some(weight)) = (x.as_slice::<f32>(), weight.as_slice::<f32>()) else {
            unreachable!("both were made contiguous");
        };
        let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
        let map = Map { height, width, columns, kernel, place };
        let rows_at_once = (UNFOLDED / (depth * columns).max(1)).clamp(1, rows);
        let mut unfolded = Vec::new();
        for (x, result) in
            numbers.chunks_exact(inputs * height * width).zip(result.chunks_exact_mut(outputs * area))
        {
            for first in (0..rows).step_by(rows_at_once) {
                let count = rows_at_once.min(rows - first);
                let pixels = count * columns;
                // A 1×1 kernel meets the pixels as they lie.
                let whole = kernel == 1 && place == Placement { stride: 1, before: 0, after: 0 };
                let met = if whole {
                    Matrix::new(x, first * columns, [depth, pixels], [area as isize, 1])
                } else {
                    unfolded.resize(depth * pixels, 0.0);
                    unfolded[..depth * pixels]
                        .par_chunks_mut(pixels)
                        .enumerate()
                        .for_each(|(index, row)| map.unfold(x, index, first, row));
                    Matrix::new(&unfolded, 0, [depth, pixels], [pixels as isize, 1])
                };
                result.par_chunks_mut(CHANNELS * area).enumerate().for_each(|(index, result)| {
                    let channel = index * CHANNELS;
                    let channels = result.len() / area;
                    let weight = Matrix::new(weight, channel * depth, [channels, depth], [depth as isize, 1]);
                    multiply(1.0, &weight, &met, &mut result[first * columns..], area);
                    for (result, bias) in
                        result.chunks_exact_mut(area).zip(bias.iter().flat_map(|b| &b[channel..]))
                    {
                        result[first * columns..][..pixels].iter_mut().for_each(|x| *x += bias);
                    }
                });
            }
        }
        tensor(result, [batch, outputs, rows, columns])
    }

    /// A feature map and how the kernel goes over it.
    struct Map {
        height: usize,
        width: usize,
        /// Places of the kernel in a row.
        columns: usize,
        kernel: usize,
        place: Placement,
    }

    impl Map {
        /// The pixels that number `index` of the kernel's `[in, kernel, kernel]` meets, in the rows of places from
        /// `first` on, as many as fit into `met`; zeros outside of the map.
        fn unfold(&self, x: &[f32], index: usize, first: usize, met: &mut [f32]) {
            let Self { height, width, kernel, place, .. } = *self;
            let (channel, down, right) = (index / (kernel * kernel), index / kernel % kernel, index % kernel);
            let x = &x[channel * height * width..][..height * width];
            for (row, met) in met.chunks_exact_mut(self.columns).enumerate() {
                let Some(y) =
                    ((first + row) * place.stride + down).checked_sub(place.before).filter(|&y| y < height)
                else {
                    met.fill(0.0);
                    continue;
                };
                let x = &x[y * width..][..width];
                if place.stride == 1 {
                    let start = place.before.saturating_sub(right).min(met.len());
                    let from = right.saturating_sub(place.before).min(width);
                    let count = (width - from).min(met.len() - start);
                    met[..start].fill(0.0);
                    met[start..start + count].copy_from_slice(&x[from..from + count]);
                    met[start + count..].fill(0.0);
                    continue;
                }
                for (column, met) in met.iter_mut().enumerate() {
                    let at = (column * place.stride + right).checked_sub(place.before);
                    *met = at.and_then(|at| x.get(at)).copied().unwrap_or(0.0);
                }
            }
        }
    }
}
