//! Which way a convolution goes.

use burn::Tensor;

use super::Placement;
use super::unfolded::Unfolded;
use super::winograd::Winograd;
use crate::flex::{contiguous, tensor};
use crate::matrix::Matrix;
use crate::memory::zeros;
use crate::product::{Columns, multiply};

/// A feature map and how the kernel goes over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Map {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Rows of places of the kernel.
    pub(super) rows: usize,
    /// Places of the kernel in a row.
    pub(super) columns: usize,
    pub(super) kernel: usize,
    pub(super) place: Placement,
}

pub(super) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
    place: Placement,
) -> Tensor<4> {
    let ([batch, inputs, height, width], [outputs, _, kernel, _]) = (x.dims(), weight.dims());
    let size = |side: usize| (side + place.before + place.after).saturating_sub(kernel) / place.stride + 1;
    let map = Map { height, width, rows: size(height), columns: size(width), kernel, place };
    let (area, depth) = (map.rows * map.columns, inputs * kernel * kernel);
    let (x, weight) = (contiguous(x), contiguous(weight));
    let (bias, residual) = (bias.map(contiguous), residual.map(contiguous));
    let mut result = zeros(batch * outputs * area);
    let (Some(x), Some(weight)) = (x.as_slice::<f32>(), weight.as_slice::<f32>()) else {
        unreachable!("both were made contiguous");
    };
    let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
    let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());

    let samples = x.chunks_exact(inputs * height * width).zip(result.chunks_exact_mut((outputs * area).max(1)));
    for (sample, (x, result)) in samples.enumerate() {
        let residual = residual.map(|residual| &residual[sample * outputs * area..][..outputs * area]);
        let winograd = Winograd { map: &map, inputs, outputs, x, weight, bias, residual };
        if winograd.pays() {
            winograd.run(result);
            continue;
        }
        let finish = |channel: usize, first: usize, piece: &mut [f32]| {
            if let Some(bias) = bias {
                piece.iter_mut().for_each(|y| *y += bias[channel]);
            }
            if let Some(residual) = residual {
                let residual = &residual[channel * area + first..];
                piece.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
            }
        };
        let weight = Matrix::whole(weight, [outputs, depth]);
        let mut multiply = |met: &dyn Columns| multiply(&weight, met, result, area, finish);
        // A 1×1 kernel meets the pixels as they lie.
        match kernel == 1 && place == (Placement { stride: 1, before: 0, after: 0 }) {
            true => multiply(&Matrix::whole(x, [inputs, area])),
            false => multiply(&Unfolded { map: &map, inputs, x }),
        }
    }
    tensor(result, [batch, outputs, map.rows, map.columns])
}
