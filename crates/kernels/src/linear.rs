//! The affine map of the last axis.

use burn::Tensor;
use burn::tensor::module;

#[cfg(feature = "flex")]
use crate::flex;

/// `x Wᵀ + bias + residual`. `x`: `[..., in]`; `weight`: `[out, in]`; `bias`: `[out]`; `residual` and the result:
/// `[..., out]`.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<D>>,
) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x)
        && flex::applies(&weight)
        && bias.as_ref().is_none_or(flex::applies)
        && residual.as_ref().is_none_or(flex::applies)
    {
        return fast::linear(x, weight, bias, residual);
    }
    linear_plain(x, weight, bias, residual)
}

/// The plain version of [`linear`].
pub fn linear_plain<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<D>>,
) -> Tensor<D> {
    let result = module::linear(x, weight.transpose(), bias);
    match residual {
        Some(residual) => residual + result,
        None => result,
    }
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;

    use crate::flex::{contiguous, matrix, primitive, tensor};
    use crate::matrix::Matrix;
    use crate::product::multiply;

    pub(super) fn linear<const D: usize>(
        x: Tensor<D>,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        residual: Option<Tensor<D>>,
    ) -> Tensor<D> {
        let mut shape = x.dims();
        let [outputs, inputs] = weight.dims();
        let rows = shape[..D - 1].iter().product();
        assert_eq!(shape[D - 1], inputs, "channels of the tokens and of the weights");
        shape[D - 1] = outputs;
        let (x, weight) = (contiguous(x), primitive(weight));
        let (bias, residual) = (bias.map(contiguous), residual.map(contiguous));
        let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
        let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());
        let mut result = vec![0.0; rows * outputs];
        let tokens = Matrix::whole(x.as_slice().unwrap_or_default(), [rows, inputs]);
        multiply(&tokens, &matrix(&weight, []).transposed(), &mut result, outputs, |row, first, piece| {
            if let Some(bias) = bias {
                piece.iter_mut().zip(&bias[first..]).for_each(|(y, bias)| *y += bias);
            }
            if let Some(residual) = residual {
                let residual = &residual[row * outputs + first..];
                piece.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
            }
        });
        tensor(result, shape)
    }
}
