//! Elementwise activations, and GEGLU, which is one with a gate.

use burn::Tensor;
use burn::tensor::activation;

#[cfg(feature = "flex")]
use crate::flex;

/// `x · sigmoid(x)`. Error of the fast path: relative below 3e-7 where x > -88, absolute below 4e-37 elsewhere (there
/// the result is 0).
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) {
        return flex::tensor_of(fast::map_silu(flex::contiguous(x)));
    }
    silu_plain(x)
}

/// The plain version of [`silu`].
pub fn silu_plain<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::silu(x)
}

/// The exact GELU, `x · Φ(x)`, by the error function. Absolute error of the fast path: below 1.5e-7 · (1 + |x|).
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) {
        return flex::tensor_of(fast::map_gelu(flex::contiguous(x)));
    }
    gelu_plain(x)
}

/// The plain version of [`gelu`].
pub fn gelu_plain<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::gelu(x)
}

/// CLIP's approximation of GELU, `x · sigmoid(1.702 x)`. Error of the fast path: relative below 3e-7 · (1 + |x|), for
/// the exponent is rounded before its exponential is taken, where x > -51; absolute below 4e-37 elsewhere.
pub fn quick_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) {
        return flex::tensor_of(fast::map_quick_gelu(flex::contiguous(x)));
    }
    quick_gelu_plain(x)
}

/// The plain version of [`quick_gelu`].
pub fn quick_gelu_plain<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() * activation::sigmoid(x * 1.702)
}

/// The gated linear unit of the transformer blocks: `[..., 2 n]` is halved into value and gate, and the result is
/// `value · gelu(gate)`, `[..., n]`.
///
/// Source: "GLU Variants Improve Transformer", arXiv 2002.05202, with the exact GELU.
pub fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x) && x.shape().num_elements() > 0 {
        let mut shape = x.dims();
        let rows = shape[..D - 1].iter().product();
        let x = x.reshape([rows, shape[D - 1]]);
        shape[D - 1] /= 2;
        return fast::geglu(x).reshape(shape);
    }
    geglu_plain(x)
}

/// The plain version of [`geglu`].
pub fn geglu_plain<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let width = x.dims()[D - 1] / 2;
    if width == 0 {
        return x; // Burn makes no empty slices
    }
    let value = x.clone().narrow(D - 1, 0, width);
    let gate = x.narrow(D - 1, width, width);
    value * activation::gelu(gate)
}

#[cfg(feature = "flex")]
pub(crate) use fast::silu as silu_of;

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use burn::backend::flex::FlexTensor;
    use rayon::prelude::*;

    use crate::exponential::{erf, exp};
    use crate::flex::{CHUNK, contiguous, tensor, vectorised};
    use crate::memory::for_results;

    /// Applies `f` to every number, in place where nobody else holds the tensor.
    fn map(mut x: FlexTensor, f: impl Fn(f32) -> f32 + Copy + Sync) -> FlexTensor {
        x.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|chunk| {
            vectorised(
                #[inline(always)]
                || chunk.iter_mut().for_each(|x| *x = f(*x)),
            );
        });
        x
    }

    pub(super) fn map_silu(x: FlexTensor) -> FlexTensor {
        map(x, silu)
    }

    pub(super) fn map_gelu(x: FlexTensor) -> FlexTensor {
        map(x, gelu)
    }

    pub(super) fn map_quick_gelu(x: FlexTensor) -> FlexTensor {
        map(x, quick_gelu)
    }

    /// `x`: `[rows, 2 n]`.
    pub(super) fn geglu(x: Tensor<2>) -> Tensor<2> {
        let [rows, width] = x.dims();
        let shape = [rows, width / 2];
        let width = shape[1];
        let x = contiguous(x);
        let mut product = for_results(rows * width);
        if let Some(numbers) = x.as_slice::<f32>().filter(|_| width > 0) {
            let rows = CHUNK.div_ceil(width);
            let chunks = product.par_chunks_mut(rows * width).zip(numbers.par_chunks(2 * rows * width));
            chunks.for_each(|(product, numbers)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = product.chunks_exact_mut(width).zip(numbers.chunks_exact(2 * width));
                        for (product, row) in rows {
                            let (value, gate) = row.split_at(width);
                            for ((product, value), gate) in product.iter_mut().zip(value).zip(gate) {
                                *product = value * gelu(*gate);
                            }
                        }
                    },
                );
            });
        }
        tensor(product, shape)
    }

    #[inline(always)]
    pub(crate) fn silu(x: f32) -> f32 {
        x / (1.0 + exp(-x))
    }

    #[inline(always)]
    pub(super) fn quick_gelu(x: f32) -> f32 {
        x / (1.0 + exp(-1.702 * x))
    }

    #[inline(always)]
    pub(super) fn gelu(x: f32) -> f32 {
        0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
    }
}
