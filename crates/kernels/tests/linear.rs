//! The affine map: the fast path against the plain one.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_kernels::{layer_norm, layer_norm_plain, linear, linear_plain};
use gligen_testkit::assert_close;
use proptest::prelude::*;

/// Numbers in -1..1 without a pattern.
fn numbers<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_the_plain_one(
        (samples, rows) in (1usize..3, 1usize..120),
        (inputs, outputs) in (1usize..500, 1usize..120),
        (bias, residual, swapped, transposed) in any::<(bool, bool, bool, bool)>(),
    ) {
        let x = match swapped {
            true => numbers([samples, inputs, rows], 1).swap_dims(1, 2),
            false => numbers([samples, rows, inputs], 1),
        };
        let weight = match transposed {
            true => numbers([inputs, outputs], 2).transpose(),
            false => numbers([outputs, inputs], 2),
        };
        let bias = bias.then(|| numbers([outputs], 3));
        let residual = residual.then(|| numbers([samples, rows, outputs], 4));
        let fast = linear(x.clone(), weight.clone(), bias.clone(), residual.clone());
        let plain = linear_plain(x, weight, bias, residual);
        // Measured: at most 4e-7.
        assert_close("linear", fast, plain, 1.5e-6);
    }

    #[test]
    fn layer_norm_is_the_plain_one((rows, channels) in (1usize..9, 1usize..300), mean in -10f32..10.0) {
        let x = numbers([2, rows, channels], 1) + mean;
        let (weight, bias) = (numbers([channels], 2), numbers([channels], 3));
        let fast = layer_norm(x.clone(), weight.clone(), bias.clone(), 1e-5);
        // Measured: at most 4e-6, where two numbers of about 10 are all that there is.
        assert_close("layer norm", fast, layer_norm_plain(x, weight, bias, 1e-5), 2e-5);
    }
}

#[test]
fn of_any_rank_and_of_nothing() {
    let weight = numbers([3, 5], 2);
    let flat = linear(numbers([5], 1), weight.clone(), None, None);
    let deep = linear(numbers([1, 1, 1, 5], 1), weight.clone(), None, None);
    assert_eq!(flat.into_data().as_bytes(), deep.into_data().as_bytes());
    let nothing = linear(Tensor::<2>::zeros([0, 5], &Device::flex()), weight.clone(), None, None);
    assert_eq!(nothing.dims(), [0, 3]);
    let no_samples = linear(Tensor::<3>::zeros([0, 16, 5], &Device::flex()), weight, None, None);
    assert_eq!(no_samples.dims(), [0, 16, 3]);
    let bias = numbers([3], 3);
    let of_nothing =
        linear(numbers([2, 0], 1), Tensor::zeros([3, 0], &Device::flex()), Some(bias.clone()), None);
    assert_eq!(of_nothing.into_data().as_bytes(), Tensor::cat(vec![bias; 2], 0).into_data().as_bytes());
}
