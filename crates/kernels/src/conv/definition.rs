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

/// Input and output channels, height and width: more of some than are taken together, few of the others.
fn shapes() -> impl Strategy<Value = [usize; 4]> {
    let [inputs, outputs, rows] = [150, 70, 40].map(|most| most / IN_MIRI);
    prop_oneof![
        2 => [1usize..4, 0usize..4, 1usize..9, 1usize..9],
        1 => [1usize..2, 1usize..3, 1..rows, 55usize..70],
        1 => [1..inputs, 1usize..3, 1usize..3, 1usize..3],
        1 => [1usize..3, 1..outputs, 1usize..4, 1usize..4],
    ]
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn each_way_is_the_definition(
        [inputs, outputs, height, width] in shapes(),
        (kernel, stride) in prop_oneof![2 => Just((3usize, 1usize)), 1 => (1usize..4, 1usize..3)],
        (before, after) in (0usize..3, 0usize..3),
        residual: bool,
    ) {
        prop_assume!(height.min(width) + before + after >= kernel);
        let place = Placement { stride, before, after };
        let size = |side: usize| (side + before + after - kernel) / stride + 1;
        let map = Map { height, width, rows: size(height), columns: size(width), kernel, place };
        let area = map.rows * map.columns;
        let (x, weight) = (numbers(inputs * height * width, 1), numbers(outputs * inputs * kernel * kernel, 2));
        let (bias, added) = (numbers(outputs, 3), numbers(outputs * area, 4));
        let residual = residual.then_some(&*added);

        let mut exact = definition(&map, [outputs, inputs], &x, &weight);
        for (at, exact) in exact.iter_mut().enumerate() {
            *exact += f64::from(bias[at / area]) + residual.map_or(0.0, |residual| f64::from(residual[at]));
        }
        let finish = |channel: usize, first: usize, piece: &mut [f32]| {
            let residual = residual.map(|residual| &residual[channel * area + first..]);
            for (i, y) in piece.iter_mut().enumerate() {
                *y += bias[channel] + residual.map_or(0.0, |residual| residual[i]);
            }
        };
        let unfolded = || {
            let mut result = vec![f32::NAN; outputs * area];
            let weight = Matrix::whole(&*weight, [outputs, inputs * kernel * kernel]);
            multiply(&weight, &Unfolded::new(&map, inputs, &x), &mut result, area, finish);
            result
        };
        let winograd = || {
            let mut result = vec![f32::NAN; outputs * area];
            let weight = Numbers::F32(&weight);
            Winograd { map: &map, inputs, outputs, x: &x, weight, bias: Some(&bias), residual }.run(&mut result);
            result
        };
        let ways = on_each(|| [Some(unfolded()), ((kernel, stride) == (3, 1)).then(winograd)]);
        for way in ways.into_iter().flatten().flatten() {
            for (&actual, &exact) in way.iter().zip(&exact) {
                let allowed = 2e-5 * (inputs as f64).sqrt();
                prop_assert!((f64::from(actual) - exact).abs() < allowed, "{actual}, exactly {exact}");
            }
        }
    }
}
