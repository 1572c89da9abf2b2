//! Which way a convolution goes.

use burn::Tensor;
use burn::backend::flex::FlexTensor;

use super::Placement;
use super::unfolded::Unfolded;
use super::winograd::Winograd;
use crate::flex::{contiguous, numbers, primitive, tensor};
use crate::matrix::Matrix;
use crate::memory::for_results;
use crate::product::multiply;

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
    if kernel == 1 && place == (Placement { stride: 1, before: 0, after: 0 }) {
        return pointwise(x, weight, bias, residual);
    }
    let (x, weight) = (contiguous(x), contiguous(weight));
    let (bias, residual) = (bias.map(contiguous), residual.map(contiguous));
    let mut result = for_results(batch * outputs * area);
    let (x, weight) = (x.as_slice::<f32>().unwrap_or_default(), numbers(&weight));
    let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
    let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());

    let winograd = Winograd { map: &map, samples: batch, inputs, outputs, x, weight, bias, residual };
    if winograd.pays() {
        winograd.run(&mut result);
        return tensor(result, [batch, outputs, map.rows, map.columns]);
    }
    let weight = Matrix::whole(weight, [outputs, depth]);
    let samples =
        x.chunks_exact(inputs * height * width).zip(result.chunks_exact_mut((outputs * area).max(1)));
    for (sample, (x, result)) in samples.enumerate() {
        let residual = residual.map(|residual| &residual[sample * outputs * area..][..outputs * area]);
        let met = Unfolded::new(&map, inputs, x);
        multiply(&weight, &met, result, area, finish(bias, residual, area));
    }
    tensor(result, [batch, outputs, map.rows, map.columns])
}

/// A 1×1 kernel meets the pixels as they lie, also where they are a view of tokens.
fn pointwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<Tensor<4>>,
) -> Tensor<4> {
    let ([batch, inputs, height, width], [outputs, ..]) = (x.dims(), weight.dims());
    let area = height * width;
    let (mut x, weight) = (primitive(x), contiguous(weight));
    let next_row = |x: &FlexTensor| x.layout().strides()[2] == width as isize * x.layout().strides()[3];
    if height > 1 && width > 1 && !next_row(&x) {
        x = x.to_contiguous();
    }
    let (bias, residual) = (bias.map(contiguous), residual.map(contiguous));
    let bias = bias.as_ref().and_then(|bias| bias.as_slice::<f32>());
    let residual = residual.as_ref().and_then(|residual| residual.as_slice::<f32>());
    let mut result = for_results(batch * outputs * area);
    let weight = Matrix::whole(numbers(&weight), [outputs, inputs]);
    for (sample, result) in result.chunks_exact_mut((outputs * area).max(1)).enumerate() {
        let residual = residual.map(|residual| &residual[sample * outputs * area..]);
        multiply(&weight, &pixels_of(&x, sample), result, area, finish(bias, residual, area));
    }
    tensor(result, [batch, outputs, height, width])
}

/// The pixels of a sample, `[channels, height · width]`, whose rows lie behind each other.
fn pixels_of(x: &FlexTensor, sample: usize) -> Matrix<'_> {
    let (layout, strides) = (x.layout(), x.layout().strides());
    let [_, channels, height, width] = std::array::from_fn(|axis| layout.shape()[axis]);
    let start = layout.start_offset() as isize + sample as isize * strides[0];
    let next = if width > 1 { strides[3] } else { strides[2] };
    Matrix::new(x.storage::<f32>(), start as usize, [channels, height * width], [strides[1], next])
}

/// Adds what is to be added to a piece of a channel's results.
fn finish<'a>(
    bias: Option<&'a [f32]>,
    residual: Option<&'a [f32]>,
    area: usize,
) -> impl Fn(usize, usize, &mut [f32]) + Sync + 'a {
    move |channel, first, piece| {
        if let Some(bias) = bias {
            piece.iter_mut().for_each(|y| *y += bias[channel]);
        }
        if let Some(residual) = residual {
            let residual = &residual[channel * area + first..];
            piece.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
        }
    }
}
