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
        return fast::map(x, fast::silu);
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
        return fast::map(x, fast::gelu);
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
        return fast::map(x, fast::quick_gelu);
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
    if flex::applies(&x) {
        return fast::geglu(x);
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
mod fast {
    use burn::Tensor;
    use burn::backend::Flex;
    use rayon::prelude::*;

    use crate::flex::{CHUNK, contiguous, tensor, vectorised};

    /// Applies `f` to every number, in place where nobody else holds the tensor.
    pub(super) fn map<const D: usize>(x: Tensor<D>, f: impl Fn(f32) -> f32 + Copy + Sync) -> Tensor<D> {
        let mut x = contiguous(x);
        x.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|chunk| {
            vectorised(
                #[inline(always)]
                || chunk.iter_mut().for_each(|x| *x = f(*x)),
            );
        });
        Tensor::from_primitive::<Flex>(x)
    }

    pub(super) fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
        let mut shape = x.dims();
        shape[D - 1] /= 2;
        let width = shape[D - 1];
        let x = contiguous(x);
        let mut product = vec![0.0; shape.iter().product()];
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
    pub(super) fn silu(x: f32) -> f32 {
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

    /// The error function: Abramowitz and Stegun 7.1.26, of absolute error 1.5e-7.
    #[inline(always)]
    fn erf(x: f32) -> f32 {
        let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
        let polynomial =
            ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_7) * t - 0.284_496_72) * t + 0.254_829_6) * t;
        (1.0 - polynomial * exp(-x * x)).copysign(x)
    }

    /// e^x without a branch, so that it vectorises; infinity above 88.3 and e^-87 below -87, where the sums it goes into
    /// have long forgotten it.
    ///
    /// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by Taylor's polynomial of degree 7 (relative error 4e-9 before
    /// rounding), 2^n by its exponent bits.
    #[inline(always)]
    fn exp(x: f32) -> f32 {
        /// Adding it to a small number rounds that to an integer, which then stands in the low bits.
        const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23
        const LN_2_HIGH: f32 = 0.693_359_4; // exact in 10 bits, so n · LN_2_HIGH is exact
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        // Not `clamp`, whose NaN would become a number; comparisons keep it.
        let x = if x > 89.0 { 89.0 } else { x }; // 2^128, which is infinity
        let x = if x < -87.0 { -87.0 } else { x };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let r = x - n * LN_2_HIGH - n * LN_2_LOW;
        let tail =
            ((((r * (1.0 / 5040.0) + 1.0 / 720.0) * r + 1.0 / 120.0) * r + 1.0 / 24.0) * r + 1.0 / 6.0) * r
                + 0.5;
        let e_r = (tail * r + 1.0) * r + 1.0;
        let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
        e_r * f32::from_bits(exponent)
    }
}
