//! Weights that are stored in half the bytes give the bits that they give when they are widened beforehand.

use burn::Tensor;
use burn::tensor::{DType, Device, FloatDType, TensorData};
use gligen_kernels::{Placement, conv2d, linear, reads_halves, widened};
use proptest::prelude::*;

/// Numbers in -1..1 without a pattern, of which every fifth is small, as those of weights are: below what a half has in
/// full precision.
fn numbers<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    let mut state = seed;
    let mut next = |index: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let x = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
        if index.is_multiple_of(5) { x * 3e-5 } else { x }
    };
    let numbers: Vec<f32> = (0..shape.iter().product()).map(&mut next).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

fn narrow() -> impl Strategy<Value = FloatDType> {
    prop_oneof![Just(FloatDType::F16), Just(FloatDType::BF16)]
}

fn bits<const D: usize>(x: Tensor<D>) -> Vec<u32> {
    assert_eq!(x.dtype(), DType::F32);
    x.into_data().try_into_vec_as::<f32>().expect("floats").into_iter().map(f32::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_linear_maps(
        dtype in narrow(),
        (samples, rows) in (0usize..3, 0usize..200),
        (inputs, outputs) in (0usize..500, 0usize..120),
        (transposed, part) in any::<(bool, bool)>(),
    ) {
        let x = numbers([samples, rows, inputs], 1);
        let weight = match transposed {
            true => numbers([inputs, outputs + 3], 2).transpose(),
            false => numbers([outputs + 3, inputs], 2),
        };
        let weight = weight.cast(dtype);
        // Burn makes no empty slices.
        let weight = if part && outputs > 0 { weight.narrow(0, 2, outputs) } else { weight };
        let wide = linear(x.clone(), widened(weight.clone()), None, None);
        prop_assert_eq!(bits(linear(x, weight, None, None)), bits(wide));
    }

    #[test]
    fn in_convolutions(
        dtype in narrow(),
        (batch, inputs, outputs) in (0usize..3, 1usize..150, 0usize..60),
        (height, width) in (3usize..15, 3usize..15),
        (kernel, stride, before, after) in (1usize..4, 1usize..3, 0usize..2, 0usize..2),
    ) {
        let x = numbers([batch, inputs, height, width], 1);
        let weight = numbers([outputs, inputs, kernel, kernel], 2).cast(dtype);
        let place = Placement { stride, before, after };
        let wide = conv2d(x.clone(), widened(weight.clone()), None, None, place);
        prop_assert_eq!(bits(conv2d(x, weight, None, None, place)), bits(wide));
    }
}

#[test]
fn stay_so_where_they_are_read() {
    assert!(reads_halves(&Device::flex()));
    #[allow(deprecated)] // Burn deprecates ndarray; here it is a second opinion.
    let ndarray = Device::ndarray();
    assert!(!reads_halves(&ndarray));
}
