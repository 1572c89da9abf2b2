//! Layer normalisation of tokens.

use burn::Tensor;
use burn::tensor::module;

#[cfg(feature = "flex")]
use crate::flex;

/// Normalises the last axis of `x`, `[..., channels]`, to mean 0 and variance 1, then scales and shifts each channel
/// by `weight` and `bias`, `[channels]`.
///
/// Source: "Layer Normalization", arXiv 1607.06450.
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) && flex::applies(&weight) && flex::applies(&bias) && x.shape().num_elements() > 0 {
        let shape = x.dims();
        let rows = shape[..D - 1].iter().product();
        return fast::layer_norm(x.reshape([rows, shape[D - 1]]), weight, bias, epsilon).reshape(shape);
    }
    layer_norm_plain(x, weight, bias, epsilon)
}

/// The plain version of [`layer_norm`].
pub fn layer_norm_plain<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    module::layer_norm(x, weight, Some(bias), epsilon)
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use rayon::prelude::*;

    use crate::flex::{CHUNK, contiguous, tensor, vectorised};
    use crate::memory::for_results;
    use crate::statistics::Statistics;

    /// `x`: `[rows, channels]`.
    pub(super) fn layer_norm(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<2> {
        let shape = x.dims();
        let channels = shape[1];
        let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        let [x, weight, bias] = [&x, &weight, &bias].map(|x| x.as_slice::<f32>().unwrap_or_default());
        let mut result = for_results(x.len());
        let rows = CHUNK.div_ceil(channels) * channels;
        result.par_chunks_mut(rows).zip(x.par_chunks(rows)).for_each(|(result, x)| {
            vectorised(
                #[inline(always)]
                || {
                    for (result, x) in result.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        let Statistics { mean, inverse_deviation } = Statistics::of(x, epsilon);
                        for (((y, x), weight), bias) in result.iter_mut().zip(x).zip(weight).zip(bias) {
                            *y = (x - mean) * inverse_deviation * weight + bias;
                        }
                    }
                },
            );
        });
        tensor(result, shape)
    }
}
