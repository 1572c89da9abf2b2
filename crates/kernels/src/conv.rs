//! Convolution of feature maps.

use burn::Tensor;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;

#[cfg(feature = "flex")]
use crate::flex;
use crate::widened;

#[cfg(all(test, feature = "flex"))]
mod definition;
#[cfg(feature = "flex")]
mod fast;
#[cfg(feature = "flex")]
mod transforms;
#[cfg(feature = "flex")]
mod unfolded;
#[cfg(feature = "flex")]
mod winograd;

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
/// `[out]`, plus `residual`, which has the shape of the result, `[batch, out, height', width']`.
///
/// The fast path takes 3×3 kernels of stride 1 to Winograd's F(4×4, 3×3), where the maps are large enough for that,
/// of relative error 1.7e-6, and all else to a matrix product of the weights as they are with the pixels that they
/// meet, of relative error 4e-7.
///
/// The weights may be f16 or bf16, and are widened where they are used; all else is f32.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    place: Placement,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if flex::applies(&x)
        && flex::reads(&weight)
        && bias.as_ref().is_none_or(flex::applies)
        && residual.as_ref().is_none_or(flex::applies)
        && x.dims().iter().all(|&axis| axis > 0)
    {
        return fast::conv2d(x, weight, bias, residual, place);
    }
    conv2d_plain(x, widened(weight), bias, residual, place)
}

/// The plain version of [`conv2d`].
pub fn conv2d_plain(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    place: Placement,
) -> Tensor<4> {
    let padding = [(place.before, place.after); 2];
    let options = ConvOptions::new_with_padding([place.stride; 2], padding, [1; 2], 1);
    let result = module::conv2d(x, weight, bias, options);
    match residual {
        Some(residual) => residual + result,
        None => result,
    }
}
