//! Each fast path against its plain version: all shapes, views, and tensors that somebody else still holds.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_kernels::{
    attention, attention_plain, geglu, geglu_plain, gelu, gelu_plain, group_norm, group_norm_plain,
    quick_gelu, quick_gelu_plain, silu, silu_plain,
};
use proptest::prelude::*;

fn floats<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec_as().expect("floats")
}

/// How a tensor lies in memory.
#[derive(Debug, Clone, Copy)]
enum View {
    /// Row by row, a buffer of its own.
    Whole,
    /// The last two axes swapped.
    Transposed,
    /// The first of more batches: in order, but the buffer is longer.
    Prefix,
    /// The inner columns of a wider tensor.
    Inner,
    /// One pixel, repeated without being stored again.
    Expanded,
}

fn view() -> impl Strategy<Value = View> {
    prop_oneof![
        Just(View::Whole),
        Just(View::Transposed),
        Just(View::Prefix),
        Just(View::Inner),
        Just(View::Expanded)
    ]
}

/// A tensor of `shape` that lies in memory as `view` says; its numbers follow from `seed`, in -`size`..`size`.
fn tensor([a, b, c, d]: [usize; 4], view: View, seed: u64, size: f32) -> Tensor<4> {
    if [a, b, c, d].contains(&0) {
        return Tensor::zeros([a, b, c, d], &Device::flex()); // Burn makes no empty views
    }
    let stored = match view {
        View::Whole => [a, b, c, d],
        View::Transposed => [a, b, d, c],
        View::Prefix => [a + 1, b, c, d],
        View::Inner => [a, b, c, d + 3],
        View::Expanded => [a, b, 1, 1],
    };
    let mut state = seed;
    let numbers: Vec<f32> = (0..stored.iter().product())
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            size * ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
        })
        .collect();
    let x = Tensor::from_data(TensorData::new(numbers, stored), &Device::flex());
    match view {
        View::Whole => x,
        View::Transposed => x.swap_dims(2, 3),
        View::Prefix => x.narrow(0, 0, a),
        View::Inner => x.narrow(3, 2, d),
        View::Expanded => x.expand([a, b, c, d]),
    }
}

/// Applies both versions, and checks every number, the shape, and that a tensor which others hold stays as it was.
fn compare(
    x: Tensor<4>,
    fast: impl Fn(Tensor<4>) -> Tensor<4>,
    plain: impl Fn(Tensor<4>) -> Tensor<4>,
    allowed: impl Fn(f32) -> f32,
) -> Result<(), TestCaseError> {
    let before = floats(x.clone());
    let kept = x.clone();
    let shared = fast(x.clone());
    prop_assert_eq!(floats(kept), before, "the tensor that was held changed");
    let expected = plain(x.clone());
    prop_assert_eq!(shared.dims(), expected.dims());
    let expected = floats(expected);
    // The last holder: a fast path may write where the input lay.
    let alone = floats(fast(x));
    let shared = floats(shared);
    prop_assert_eq!(&alone, &shared, "in place and beside");
    for (&fast, &plain) in alone.iter().zip(&expected) {
        prop_assert!((fast - plain).abs() <= allowed(plain), "fast {fast}, plain {plain}");
    }
    Ok(())
}

fn sizes() -> impl Strategy<Value = [usize; 4]> {
    [0usize..3, 1usize..5, 0usize..8, 0usize..8]
}

proptest! {
    #[test]
    fn activations(shape in sizes(), view in view(), seed: u64) {
        let x = tensor(shape, view, seed, 40.0);
        // Both versions round a few times; exponents beyond -40 magnify that, as the docs of the fast ones state.
        compare(x.clone(), silu, silu_plain, |y| 1e-6 * y.abs())?;
        compare(x.clone(), quick_gelu, quick_gelu_plain, |y| 2e-5 * y.abs())?;
        compare(x, gelu, gelu_plain, |y| 1e-6 * (1.0 + y.abs()))?;
    }

    #[test]
    fn gated_unit([a, b, c, half] in sizes(), view in view(), seed: u64) {
        let x = tensor([a, b, c, 2 * half], view, seed, 8.0);
        compare(x, geglu, geglu_plain, |y| 8e-6 * (1.0 + y.abs()))?;
    }

    #[test]
    fn attended(
        [batch, heads, queries, d] in [1usize..3, 1usize..4, 0usize..100, 1usize..50],
        keys in 1usize..150,
        (first, second, third) in (view(), view(), view()),
        seed: u64,
        causal: bool,
    ) {
        let queries = if causal { keys } else { queries }; // backends differ in what it means where there are more keys, or fewer
        let context = |view, seed| tensor([batch, heads, keys, d], view, seed, 2.0);
        let (k, v) = (context(second, seed ^ 1), context(third, seed ^ 2));
        compare(
            tensor([batch, heads, queries, d], first, seed, 2.0),
            |q| attention(q, k.clone(), v.clone(), causal),
            |q| match queries {
                0 => q, // Burn's own makes nothing of it
                _ => attention_plain(q, k.clone(), v.clone(), causal),
            },
            |y| 1e-4 * (1.0 + y.abs()),
        )?;
    }

    #[test]
    fn normalisation(
        [batch, per_group, height, width] in sizes(),
        groups in 1usize..4,
        view in view(),
        seed: u64,
        silu: bool,
    ) {
        let channels = groups * per_group;
        let x = tensor([batch, channels, height, width], view, seed, 1.0);
        let weight = || tensor([channels, 1, 1, 1], View::Whole, seed ^ 1, 1.0).reshape([channels]);
        // A view, as half of a longer vector is.
        let bias = || tensor([1, 1, channels, 2], View::Inner, seed ^ 2, 1.0).narrow(3, 1, 1).reshape([channels]);
        compare(
            x,
            |x| group_norm(x, groups, weight(), bias(), 1e-5, silu),
            |x| group_norm_plain(x, groups, weight(), bias(), 1e-5, silu),
            // The mean of equal numbers, rounded by the plain version, is divided by √ε: 1e-7 · 300.
            |_| 1e-4,
        )?;
    }
}

#[test]
fn longer_than_a_chunk() {
    // Larger than what one thread takes at a time, and no multiple of it.
    let shape = [1, 6, 97, 101];
    for view in [View::Whole, View::Transposed, View::Inner] {
        let x = || tensor(shape, view, 7, 8.0);
        compare(x(), silu, silu_plain, |y| 1e-6 * y.abs()).expect("silu");
        compare(x().swap_dims(1, 3), geglu, geglu_plain, |y| 8e-6 * (1.0 + y.abs())).expect("geglu");
    }
}

#[test]
fn one_nan_spoils_its_own_group_only() {
    let mut numbers = vec![1.0; 2 * 4 * 9];
    numbers[3] = f32::NAN;
    let x: Tensor<4> = Tensor::from_data(TensorData::new(numbers, [2, 4, 3, 3]), &Device::flex());
    let ones = Tensor::ones([4], &Device::flex());
    let y = floats(group_norm(x.clone(), 2, ones.clone(), ones, 1e-5, true));
    assert!(y[..18].iter().all(|y| y.is_nan()), "two channels of the first picture");
    assert!(y[18..].iter().all(|y| !y.is_nan()), "the others");

    let y = floats(geglu(x.reshape([1, 1, 12, 6])));
    // 3 is the first gate of the first row, whose values are the numbers 0 to 2.
    assert!(y[0].is_nan() && y[1..].iter().all(|y| !y.is_nan()), "{y:?}");
}
