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
    use rayon::prelude::*;

    use crate::flex::{contiguous, matrix, primitive};
    use crate::matrix::Matrix;
    use crate::memory::zeros;
    use crate::product::{Columns, multiply};

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
        let weight = matrix(&weight, []);
        let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
        let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());
        let mut result = zeros(rows * outputs);
        let count = result.len() / tokens.len();
        // Of one sample, so that the way does not depend on how many there are.
        let are_few = shape.len() > 1 && FEW * shape[shape.len() - 2] <= outputs;
        for (sample, (tokens, result)) in tokens.iter().zip(result.chunks_exact_mut(count)).enumerate() {
            let finish = |row: usize, first: usize, piece: &mut [f32]| {
                if let Some(bias) = bias {
                    piece.iter_mut().zip(&bias[first..]).for_each(|(y, bias)| *y += bias);
                }
                if let Some(residual) = residual {
                    let residual = &residual[sample * count + row * outputs + first..];
                    piece.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
                }
            };
            if are_few {
                multiply_turned(tokens, &weight, result, finish);
            } else {
                multiply(tokens, &weight.transposed(), result, outputs, finish);
            }
        }
        result
    }

    /// Outputs for each token from which on the weights are the larger matrix by far.
    const FEW: usize = 2;

    /// `(weight · tokensᵀ)ᵀ`: the weights lie as they are packed then, and what has to be turned is small.
    fn multiply_turned(
        tokens: &Matrix,
        weight: &Matrix,
        result: &mut [f32],
        finish: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) {
        /// Tokens that are turned together.
        const TOGETHER: usize = 16;
        let ([outputs, _], [count, _]) = (weight.shape(), tokens.shape());
        let mut turned = zeros(outputs * count);
        multiply(weight, &tokens.transposed(), &mut turned, count, |_, _, _| {});
        let turned = Matrix::whole(turned.as_slice(), [outputs, count]).transposed();
        result.par_chunks_mut(TOGETHER * outputs).enumerate().for_each(|(index, result)| {
            let first = index * TOGETHER;
            turned.pack(first..first + result.len() / outputs, 0..outputs, outputs, result);
            for (row, piece) in result.chunks_exact_mut(outputs).enumerate() {
                finish(first + row, 0, piece);
            }
        });
    }
}
