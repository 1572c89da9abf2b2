//! The same bits with any number of threads.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_kernels::{
    Placement, attention, conv2d, geglu, gelu, group_norm, layer_norm, linear, quick_gelu, silu,
};

fn tensor(shape: [usize; 4], seed: f32) -> Tensor<4> {
    let numbers =
        (0..shape.iter().product()).map(|i: usize| 3.0 * (i as f32 * 0.37 + seed).sin()).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

fn bits(x: Tensor<4>) -> Vec<u32> {
    x.into_data().try_into_vec_as::<f32>().expect("floats").into_iter().map(f32::to_bits).collect()
}

#[test]
fn give_the_same_bits() {
    // Larger than what one thread takes at a time, and no multiple of it.
    let x = || tensor([2, 12, 61, 73], 0.0);
    let channels = |seed| tensor([1, 12, 1, 1], seed).reshape([12]);
    let conv = |inputs: usize, outputs: usize, kernel: usize, stride: usize| {
        let place = Placement { stride, before: kernel / 2, after: kernel / 2 };
        conv2d(
            tensor([2, inputs, 61, 73], 0.0),
            tensor([outputs, inputs, kernel, kernel], 1.0),
            Some(tensor([1, outputs, 1, 1], 2.0).reshape([outputs])),
            None,
            place,
        )
    };
    let cases: [(&str, &(dyn Fn() -> Tensor<4> + Sync)); 11] = [
        ("conv by Winograd", &|| conv(48, 60, 3, 1)),
        ("conv of stride 2", &|| conv(48, 60, 3, 2)),
        ("conv 1×1", &|| conv(48, 60, 1, 1)),
        ("linear", &|| linear(x(), tensor([1, 1, 90, 73], 1.0).reshape([90, 73]), None, None)),
        ("layer_norm", &|| {
            let channels = |seed| tensor([1, 1, 1, 73], seed).reshape([73]);
            layer_norm(x(), channels(1.0), channels(2.0), 1e-5)
        }),
        ("silu", &|| silu(x())),
        ("gelu", &|| gelu(x())),
        ("quick_gelu", &|| quick_gelu(x())),
        ("geglu", &|| geglu(x().swap_dims(1, 3))),
        ("group_norm", &|| group_norm(x(), 4, channels(1.0), channels(2.0), 1e-6, true)),
        ("attention", &|| {
            attention(
                tensor([2, 3, 300, 40], 0.0),
                tensor([2, 3, 177, 40], 1.0),
                tensor([2, 3, 177, 40], 2.0),
                false,
            )
        }),
    ];
    for (name, case) in cases {
        let [one, two, five] = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| bits(case()))
        });
        assert!(one == two, "{name}: one thread and two");
        assert!(one == five, "{name}: one thread and five");
    }
}
