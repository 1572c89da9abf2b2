//! Both ways of a convolution against its definition, in f64, on each processor.

use proptest::prelude::*;

use super::Placement;
use super::fast::Map;
use super::unfolded::Unfolded;
use super::winograd::Winograd;
use crate::IN_MIRI;
use crate::matrix::Matrix;
use crate::numbers::Numbers;
use crate::processors::{cases, numbers, on_each};
use crate::product::multiply;

/// Samples that are computed together.
const SAMPLES: usize = 2;

/// One sample: `x`: `[in, height, width]`, `weight`: `[out, in, kernel, kernel]`; the result is `[out, rows, columns]`.
fn definition(map: &Map, [outputs, inputs]: [usize; 2], x: &[f32], weight: &[f32]) -> Vec<f64> {
    let Map { height, width, rows, columns, kernel, place } = *map;
    let pixel = |channel: usize, row: usize, column: usize| {
        let (row, column) = (row.checked_sub(place.before)?, column.checked_sub(place.before)?);
        (row < height && column < width).then(|| x[(channel * height + row) * width + column])
    };
    let mut result = Vec::new();
    for at in 0..outputs * rows * columns {
        let (output, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
        let mut sum = 0.0;
        for met in 0..inputs * kernel * kernel {
            let (input, down, right) = (met / (kernel * kernel), met / kernel % kernel, met % kernel);
            let x = pixel(input, row * place.stride + down, column * place.stride + right).unwrap_or(0.0);
            sum += f64::from(x) * f64::from(weight[output * inputs * kernel * kernel + met]);
        }
        result.push(sum);
    }
    result
}

/// Checks both ways at [input channels, output channels, height, width], Winograd's with a kernel of 3 and a stride of 1.
fn check(
    [inputs, outputs, height, width]: [usize; 4],
    [kernel, stride, before, after]: [usize; 4],
    adds_residual: bool,
) -> Result<(), TestCaseError> {
    let map_of = |kernel: usize, stride| {
        // The kernel must have a place.
        let after = after.max(kernel.saturating_sub(before + height.min(width)));
        let size = |side: usize| (side + before + after - kernel) / stride + 1;
        let place = Placement { stride, before, after };
        Map { height, width, rows: size(height), columns: size(width), kernel, place }
    };
    let in_sample = inputs * height * width;
    let x = numbers(SAMPLES * in_sample, 1);
    let bias = numbers(outputs, 3);
    let weights = |map: &Map| numbers(outputs * inputs * map.kernel * map.kernel, 2);
    let residual = |map: &Map| adds_residual.then(|| numbers(SAMPLES * outputs * map.rows * map.columns, 4));

    let unfolded = |map: &Map| {
        let area = map.rows * map.columns;
        let (weight, residual) = (weights(map), residual(map));
        let mut result = vec![f32::NAN; SAMPLES * outputs * area];
        let weight = Matrix::whole(&*weight, [outputs, inputs * map.kernel * map.kernel]);
        for sample in 0..SAMPLES {
            let met = Unfolded::new(map, inputs, &x[sample * in_sample..][..in_sample]);
            let start = sample * outputs * area;
            let result = &mut result[start..][..outputs * area];
            multiply(&weight, &met, result, area, |channel, first, piece| {
                for (at, y) in (start + channel * area + first..).zip(piece) {
                    *y += bias[channel] + residual.as_ref().map_or(0.0, |residual| residual[at]);
                }
            });
        }
        result
    };
    let winograd = |map: &Map| {
        let (weight, residual) = (weights(map), residual(map));
        let mut result = vec![f32::NAN; SAMPLES * outputs * map.rows * map.columns];
        let (weight, residual) = (Numbers::F32(&weight), residual.as_deref());
        Winograd { map, samples: SAMPLES, inputs, outputs, x: &x, weight, bias: Some(&bias), residual }
            .run(&mut result);
        result
    };
    let (any, three) = (map_of(kernel, stride), map_of(3, 1));
    let exact = [&any, &three].map(|map| {
        let (weight, residual) = (weights(map), residual(map));
        let samples = x.chunks(in_sample.max(1));
        let sums = samples.flat_map(|x| definition(map, [outputs, inputs], x, &weight));
        let added = |at: usize| {
            let bias = bias[at / (map.rows * map.columns) % outputs];
            f64::from(bias) + residual.as_ref().map_or(0.0, |residual| f64::from(residual[at]))
        };
        sums.enumerate().map(|(at, sum)| sum + added(at)).collect::<Vec<_>>()
    });
    for ways in on_each(|| [unfolded(&any), winograd(&three)]) {
        for (&actual, &exact) in ways.iter().flatten().zip(exact.iter().flatten()) {
            let allowed = 2e-5 * (inputs as f64).sqrt();
            prop_assert!((f64::from(actual) - exact).abs() < allowed, "{actual}, exactly {exact}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn each_way_is_the_definition(
        few in [1usize..4, 0..4, 1..9, 1..9],
        wide in [1usize..2, 1..3, 1..40 / IN_MIRI, 55..70],
        many_inputs in [17usize..150 / IN_MIRI, 1..3, 1..3, 1..3],
        many_outputs in [1usize..3, 13..128 / IN_MIRI, 1..4, 1..4],
        place in [1usize..4, 1..3, 0..3, 0..3],
        adds_residual: bool,
    ) {
        for shape in [few, wide, many_inputs, many_outputs] {
            check(shape, place, adds_residual)?;
        }
    }
}

/// Of the 17 tiles of a row the first sixteen are read where they lie, and the next sixteen are of both samples.
#[test]
fn tiles_that_are_read_where_they_lie_and_tiles_of_two_samples() -> Result<(), TestCaseError> {
    check([1, 1, 3, 70], [3, 1, 0, 0], true)
}
