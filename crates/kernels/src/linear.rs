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
        && x.shape().num_elements() > 0
    {
        let mut shape = x.dims();
        let [outputs, inputs] = weight.dims();
        let rows = shape[..D - 1].iter().product();
        shape[D - 1] = outputs;
        let residual = residual.map(|residual| residual.reshape([rows, outputs]));
        return fast::linear(x.reshape([rows, inputs]), weight, bias, residual).reshape(shape);
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
    use crate::memory::zeros;
    use crate::product::multiply;

    /// `x`, `[rows, in]`, to `[rows, out]`.
    pub(super) fn linear(
        x: Tensor<2>,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        residual: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let ([rows, inputs], [outputs, _]) = (x.dims(), weight.dims());
        assert_eq!(inputs, weight.dims()[1], "channels of the tokens and of the weights");
        let (x, weight) = (contiguous(x), primitive(weight));
        let (bias, residual) = (bias.map(contiguous), residual.map(contiguous));
        let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
        let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());
        let mut result = zeros(rows * outputs);
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
        tensor(result, [rows, outputs])
    }
}
