//! The affine map of the last axis.

use burn::Tensor;
use burn::tensor::module;

#[cfg(feature = "flex")]
use crate::flex;
use crate::widened;

/// `x Wᵀ + bias + residual`. `x`: `[..., in]`; `weight`: `[out, in]`; `bias`: `[out]`; `residual` and the result:
/// `[..., out]`.
///
/// The weights may be f16 or bf16, and are widened where they are used; all else is f32.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<D>>,
) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if flex::applies(&x)
        && flex::reads(&weight)
        && bias.as_ref().is_none_or(flex::applies)
        && residual.as_ref().is_none_or(flex::applies)
    {
        let mut shape = x.dims();
        shape[D - 1] = weight.dims()[0];
        if shape.contains(&0) {
            // Nothing to compute; Burn's product of no matrices with one reads beyond them.
            return Tensor::zeros(shape, &x.device());
        }
        let residual = residual.map(flex::contiguous);
        return flex::tensor(fast::linear(flex::primitive(x), weight, bias, residual), shape);
    }
    linear_plain(x, widened(weight), bias, residual)
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
    use burn::backend::flex::FlexTensor;

    use crate::flex::{contiguous, matrix, primitive};
    use crate::matrix::Matrix;
    use crate::memory::for_results;
    use crate::product::multiply;

    /// The numbers of the result, row by row.
    pub(super) fn linear(
        x: FlexTensor,
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        residual: Option<FlexTensor>,
    ) -> Vec<f32> {
        let [outputs, inputs] = weight.dims();
        let shape = x.layout().shape().to_vec();
        assert_eq!(shape.last(), Some(&inputs), "channels of the tokens and of the weights");
        // Tokens that lie in another order, as views of pixels do, are read where they are.
        let x = if shape.len() == 3 { x } else { x.to_contiguous() };
        let rows = shape[..shape.len() - 1].iter().product();
        let tokens = match x.as_slice() {
            Some(numbers) => vec![Matrix::whole(numbers, [rows, inputs])],
            None => (0..shape[0]).map(|sample| matrix(&x, [sample])).collect(),
        };
        let (weight, bias) = (primitive(weight), bias.map(contiguous));
        let weight = matrix(&weight, []).transposed();
        let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
        let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());
        let mut result = for_results(rows * outputs);
        let count = result.len() / tokens.len();
        for (sample, (tokens, result)) in tokens.iter().zip(result.chunks_exact_mut(count)).enumerate() {
            multiply(tokens, &weight, result, outputs, |row, first, piece| {
                if let Some(bias) = bias {
                    piece.iter_mut().zip(&bias[first..]).for_each(|(y, bias)| *y += bias);
                }
                if let Some(residual) = residual {
                    let residual = &residual[sample * count + row * outputs + first..];
                    piece.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
                }
            });
        }
        result
    }
}
