//! Repeated pixels: the fast path against the plain one.

use burn::Tensor;
use burn::tensor::TensorData;
use gligen_kernels::{upsample_nearest, upsample_nearest_plain};
use gligen_testkit::devices;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_the_plain_one(
        (batch, channels) in (1usize..3, 1usize..5),
        (height, width) in (1usize..12, 1usize..40),
        less in [0usize..2, 0..2],
    ) {
        compare([batch, channels, height, width], [2 * height - less[0], 2 * width - less[1]]);
    }
}

#[test]
fn other_sizes_and_empty_maps() {
    compare([1, 2, 3, 5], [9, 5]);
    compare([2, 1, 4, 4], [3, 8]);
    compare([0, 3, 2, 2], [4, 4]);
}

fn compare(shape: [usize; 4], size: [usize; 2]) {
    let numbers = (0..shape.iter().product()).map(|i: usize| i as f32).collect::<Vec<_>>();
    let x = || Tensor::<4>::from_data(TensorData::new(numbers.clone(), shape), &devices()[0]);
    let plain = upsample_nearest_plain(x(), size).into_data();
    upsample_nearest(x(), size).into_data().assert_eq(&plain, true);
}
