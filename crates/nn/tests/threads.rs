//! The same bits with any number of threads: what Burn computes for the blocks, too.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::{Device, TensorData};
use gligen_nn::{Attention, FeedForward, ResnetBlock2d, Upsample2d};
use gligen_testkit::fixtures;
use gligen_weights::{KeyMap, Weights};

fn load<M: Module>(name: &str, module: M) -> M {
    let weights = Weights::open(&fixtures().join(format!("{name}.safetensors"))).expect("a fixture");
    weights.load(module, &KeyMap::new().only_prefix("weights.")).expect("weights that fit")
}

fn tensor<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|i: usize| (i as f32 * 0.37).sin()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn bits<const D: usize>(x: Tensor<D>) -> Vec<u32> {
    x.into_data().try_into_vec_as::<f32>().expect("floats").into_iter().map(f32::to_bits).collect()
}

#[test]
fn give_the_same_bits() {
    let device = Device::flex();
    let resnet = load("resnet_block", ResnetBlock2d::new(32, 64, Some(48), 8, 1e-5, &device));
    let upsample = load("upsample", Upsample2d::new(16, &device));
    let attention = load("attention", Attention::new(40, 24, 4, &device));
    let feed_forward = load("feed_forward", FeedForward::new(40, &device));
    // Large enough for Burn to use threads.
    let cases: [(&str, &(dyn Fn() -> Vec<u32> + Sync)); 4] = [
        ("resnet", &|| {
            bits(resnet.forward(tensor([1, 32, 61, 47], &device), Some(tensor([1, 48], &device))))
        }),
        ("upsample", &|| bits(upsample.forward(tensor([1, 16, 31, 45], &device), [62, 90]))),
        ("attention", &|| {
            let context = attention.keys_values(tensor([2, 200, 24], &device));
            bits(attention.attend(tensor([2, 1500, 40], &device), &context))
        }),
        ("feed_forward", &|| bits(feed_forward.forward(tensor([2, 1500, 40], &device)))),
    ];
    for (name, case) in cases {
        let [one, two, five] = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(case)
        });
        assert!(one == two, "{name}: one thread and two");
        assert!(one == five, "{name}: one thread and five");
    }
}
