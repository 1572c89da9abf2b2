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

/// `x`: `[in, height, width]`, `weight`: `[out, in, kernel, kernel]`; the result is `[out, rows, columns]`.
fn definition(map: &Map, [outputs, inputs]: [usize; 2], x: &[f32], weight: &[f32]) -> Vec<f64> {
    let Map { height, width, rows, columns, kernel, place } = *map;
    let pixel = |channel: usize, y: usize, x_place: usize| {
        let (y, x_place) = (y.checked_sub(place.before)?, x_place.checked_sub(place.before)?);
        (y < height && x_place < width).then(|| x[(channel * height + y) * width + x_place])
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
    let map = |kernel: usize, stride| {
        // The kernel must have a place.
        let after = after.max(kernel.saturating_sub(before + height.min(width)));
        let size = |side: usize| (side + before + after - kernel) / stride + 1;
        let place = Placement { stride, before, after };
        Map { height, width, rows: size(height), columns: size(width), kernel, place }
    };
    let x = numbers(inputs * height * width, 1);
    let bias = numbers(outputs, 3);
    let weights = |map: &Map| numbers(outputs * inputs * map.kernel * map.kernel, 2);
    let residual = |map: &Map| adds_residual.then(|| numbers(outputs * map.rows * map.columns, 4));

    let unfolded = |map: &Map| {
        let area = map.rows * map.columns;
        let (weight, residual) = (weights(map), residual(map));
        let mut result = vec![f32::NAN; outputs * area];
        let weight = Matrix::whole(&*weight, [outputs, inputs * map.kernel * map.kernel]);
        multiply(&weight, &Unfolded::new(map, inputs, &x), &mut result, area, |channel, first, piece| {
            for (at, y) in (channel * area + first..).zip(piece) {
                *y += bias[channel] + residual.as_ref().map_or(0.0, |residual| residual[at]);
            }
        });
        result
    };
    let winograd = |map: &Map| {
        let (weight, residual) = (weights(map), residual(map));
        let mut result = vec![f32::NAN; outputs * map.rows * map.columns];
        let (weight, residual) = (Numbers::F32(&weight), residual.as_deref());
        Winograd { map, samples: 1, inputs, outputs, x: &x, weight, bias: Some(&bias), residual }
            .run(&mut result);
        result
    };
    let (any, three) = (map(kernel, stride), map(3, 1));
    let exact = [&any, &three].map(|map| {
        let (sums, residual) = (definition(map, [outputs, inputs], &x, &weights(map)), residual(map));
        let added = |at: usize| {
            let bias = bias[at / (map.rows * map.columns)];
            f64::from(bias) + residual.as_ref().map_or(0.0, |residual| f64::from(residual[at]))
        };
        sums.into_iter().enumerate().map(|(at, sum)| sum + added(at)).collect::<Vec<_>>()
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
