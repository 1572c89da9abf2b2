//! Group normalisation of feature maps, with the SiLU that follows it in a ResNet block fused in.

use burn::Tensor;

#[cfg(feature = "flex")]
use crate::{activation::silu_of, flex};

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
        return match silu {
            true => fast::group_norm(x, groups, weight, bias, epsilon, silu_of),
            false => fast::group_norm(x, groups, weight, bias, epsilon, |x| x),
        };
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

    use crate::flex::{contiguous, tensor, vectorised};
    use crate::memory::for_results;
    use crate::statistics::Statistics;

    pub(super) fn group_norm(
        x: Tensor<4>,
        groups: usize,
        weight: Tensor<1>,
        bias: Tensor<1>,
        epsilon: f64,
        activation: impl Fn(f32) -> f32 + Sync,
    ) -> Tensor<4> {
        let shape = x.dims();
        let [_, channels, height, width] = shape;
        let (mut x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let area = height * width;
        let in_group = channels / groups * area;
        let (Some(weight), Some(bias), true) =
            (weight.as_slice::<f32>(), bias.as_slice::<f32>(), in_group > 0)
        else {
            return Tensor::from_primitive::<Flex>(x);
        };
        // What becomes of the numbers of a channel of a group.
        let map = |group: usize, channel: usize, Statistics { mean, inverse_deviation }| {
            let channel = group % groups * (channels / groups) + channel;
            let (scale, shift) = (weight[channel] * inverse_deviation, bias[channel]);
            let activation = &activation;
            #[inline(always)]
            move |x: f32| activation((x - mean) * scale + shift)
        };
        if let Some(numbers) = x.try_storage_mut::<f32>() {
            // Nobody else holds the numbers: fresh memory would cost more than the arithmetic.
            numbers.par_chunks_mut(in_group).enumerate().for_each(|(group, x)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let statistics = Statistics::of(x, epsilon);
                        for (channel, x) in x.chunks_exact_mut(area).enumerate() {
                            let map = map(group, channel, statistics);
                            x.iter_mut().for_each(|x| *x = map(*x));
                        }
                    },
                );
            });
            return Tensor::from_primitive::<Flex>(x);
        }
        let x = x.as_slice::<f32>().unwrap_or_default();
        let mut result = for_results(x.len());
        result.par_chunks_mut(in_group).zip(x.par_chunks(in_group)).enumerate().for_each(
            |(group, (result, x))| {
                vectorised(
                    #[inline(always)]
                    || {
                        let statistics = Statistics::of(x, epsilon);
                        let channels = result.chunks_exact_mut(area).zip(x.chunks_exact(area));
                        for (channel, (result, x)) in channels.enumerate() {
                            let map = map(group, channel, statistics);
                            result.iter_mut().zip(x).for_each(|(y, x)| *y = map(*x));
                        }
                    },
                );
            },
        );
        tensor(result, shape)
    }
}
