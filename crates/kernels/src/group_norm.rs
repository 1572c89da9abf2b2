//! Group normalisation of feature maps, with the SiLU that follows it in a ResNet block fused in.

use burn::Tensor;

#[cfg(feature = "flex")]
use crate::flex;

/// Normalises `x`, `[batch, channels, height, width]`, over each of `groups` groups of channels to mean 0 and
/// variance 1, then scales and shifts each channel by `weight` and `bias`, `[channels]`; `silu` applies
/// [`crate::silu`] to the result. Statistics are two-pass: they survive a mean far from zero.
///
/// Source: "Group Normalization", arXiv 1803.08494. `channels` must be a multiple of `groups`.
pub fn group_norm(
    x: Tensor<4>,
    groups: usize,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    silu: bool,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) && flex::applies(&weight) && flex::applies(&bias) {
        let normal = fast::group_norm(x, groups, weight, bias, epsilon);
        return if silu { crate::silu(normal) } else { normal };
    }
    group_norm_plain(x, groups, weight, bias, epsilon, silu)
}

/// The plain version of [`group_norm`].
pub fn group_norm_plain(
    x: Tensor<4>,
    groups: usize,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    silu: bool,
) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if x.shape().num_elements() == 0 {
        return x; // a 0 among the sizes that `reshape` is given would mean "as before"
    }
    let grouped = x.reshape([batch, groups, channels / groups * height * width]);
    let centred = grouped.clone() - grouped.mean_dim(2);
    let variance = (centred.clone() * centred.clone()).mean_dim(2);
    let normal = (centred / (variance + epsilon).sqrt()).reshape([batch, channels, height, width]);
    let affine = normal * weight.reshape([1, channels, 1, 1]) + bias.reshape([1, channels, 1, 1]);
    if silu { crate::silu_plain(affine) } else { affine }
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use burn::backend::Flex;
    use rayon::prelude::*;

    use crate::flex::{contiguous, vectorised};

    pub(super) fn group_norm(
        x: Tensor<4>,
        groups: usize,
        weight: Tensor<1>,
        bias: Tensor<1>,
        epsilon: f64,
    ) -> Tensor<4> {
        let [_, channels, height, width] = x.dims();
        let (mut x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let area = height * width;
        let per_group = channels / groups;
        if per_group * area > 0
            && let (Some(weight), Some(bias)) = (weight.as_slice::<f32>(), bias.as_slice::<f32>())
        {
            x.storage_mut::<f32>().par_chunks_mut(per_group * area).enumerate().for_each(|(i, group)| {
                let first = i % groups * per_group;
                vectorised(
                    #[inline(always)]
                    || {
                        let count = group.len() as f64;
                        let mean = sum(group, |x| x) / count;
                        let mean_f32 = mean as f32;
                        // Var = E[(x - m)²] - (E[x] - m)², with m the rounded mean.
                        let offset = mean - f64::from(mean_f32);
                        let variance =
                            sum(group, |x| (x - mean_f32) * (x - mean_f32)) / count - offset * offset;
                        let inverse = (1.0 / (variance + epsilon).sqrt()) as f32;
                        for (channel, numbers) in group.chunks_exact_mut(area).enumerate() {
                            let scale = weight[first + channel] * inverse;
                            let shift = bias[first + channel];
                            numbers.iter_mut().for_each(|x| *x = (*x - mean_f32) * scale + shift);
                        }
                    },
                );
            });
        }
        Tensor::from_primitive::<Flex>(x)
    }

    /// Sum of `f` over `numbers`: 16 sums in f32 beside each other for the vector units, gathered in f64 before
    /// they grow long enough to round badly. The order is fixed, so threads and widths do not change it.
    #[inline(always)]
    fn sum(numbers: &[f32], f: impl Fn(f32) -> f32) -> f64 {
        const LANES: usize = 16;
        let mut total = 0.0;
        for block in numbers.chunks(64 * LANES) {
            let mut lanes = [0.0f32; LANES];
            let (whole, rest) = block.as_chunks::<LANES>();
            for row in whole {
                for (lane, &x) in lanes.iter_mut().zip(row) {
                    *lane += f(x);
                }
            }
            for (lane, &x) in lanes.iter_mut().zip(rest) {
                *lane += f(x);
            }
            total += lanes.iter().map(|&x| f64::from(x)).sum::<f64>();
        }
        total
    }
}
