//! Every block against the reference's numbers.
//!
//! Tolerance: a block is a few sums of some hundred products each, in another order than the reference's. Measured
//! relative errors are 1e-7 to 4e-7 on both backends; the allowance of 1e-6 is for other processors.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use gligen_kernels::silu;
use gligen_nn::{
    Activation, Attention, ClipEncoderLayer, Conv2d, Downsample2d, Embedding, FeedForward, GroupNorm,
    LayerNorm, Linear, Padding, ResnetBlock2d, TimestepEmbedding, Upsample2d, timestep_features,
};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_weights::{KeyMap, Weights};

const TOLERANCE: f64 = 1e-6;

/// The fixture `name`, and `module` with the weights in it.
fn load<M: Module>(name: &str, module: M) -> (Fixture, M) {
    let weights = Weights::open(&fixtures().join(format!("{name}.safetensors"))).expect("a fixture");
    let module = weights.load(module, &KeyMap::new().only_prefix("weights.")).expect("weights that fit");
    (Fixture::open(name), module)
}

/// Runs `check` on flex and ndarray.
fn on_every_device(check: impl Fn(&Device)) {
    devices().iter().for_each(check);
}

#[test]
fn attention() {
    on_every_device(|device| {
        let (fixture, block) = load("attention", Attention::new(40, 24, 4, device));
        let context = block.keys_values(fixture.tensor("encoder_hidden_states", device));
        let output = block.attend(fixture.tensor("hidden_states", device), &context);
        assert_close("attention", output, fixture.tensor("output", device), TOLERANCE);
    });
}

#[test]
fn attention_to_the_parts_of_a_context_is_attention_to_the_whole() {
    on_every_device(|device| {
        let (fixture, block) = load("attention", Attention::new(40, 24, 4, device));
        let context = fixture.tensor::<3>("encoder_hidden_states", device);
        let first = block.keys_values(context.clone().narrow(1, 0, 3));
        let joined = first.join(&block.keys_values(context.narrow(1, 3, 4)));
        let output = block.attend(fixture.tensor("hidden_states", device), &joined);
        assert_close("attention", output, fixture.tensor("output", device), TOLERANCE);
    });
}

#[test]
fn feed_forward() {
    on_every_device(|device| {
        let (fixture, block) = load("feed_forward", FeedForward::new(40, device));
        let output = block.forward(fixture.tensor("input", device));
        assert_close("feed-forward", output, fixture.tensor("output", device), TOLERANCE);
    });
}

/// More tokens than go through it at once, in two samples.
#[test]
fn feed_forward_of_many_tokens_is_that_of_each() {
    on_every_device(|device| {
        let (_, block) = load("feed_forward", FeedForward::new(40, device));
        let numbers = |seed: usize| {
            let numbers = (0..2 * 2300 * 40).map(|i| ((i * 31 + seed) as f32 * 0.731).sin());
            let data = TensorData::new(numbers.collect::<Vec<f32>>(), [2, 2300, 40]);
            Tensor::<3>::from_data(data, device)
        };
        let (x, residual) = (numbers(1), numbers(2));
        let whole = block.forward_add(x.clone(), residual.clone());
        for (first, count) in [(0, 900), (900, 700), (1600, 700)] {
            let part = |x: &Tensor<3>| x.clone().narrow(1, first, count);
            let alone = part(&residual) + block.forward(part(&x));
            assert_close("part", part(&whole), alone, TOLERANCE);
        }
    });
}

#[test]
fn resnet_block() {
    on_every_device(|device| {
        let (fixture, block) = load("resnet_block", ResnetBlock2d::new(32, 64, Some(48), 8, 1e-5, device));
        let time = silu(fixture.tensor("temb", device));
        let output = block.forward(fixture.tensor("input", device), Some(time));
        assert_close("ResNet block", output, fixture.tensor("output", device), TOLERANCE);
    });
}

#[test]
fn resnet_block_without_a_timestep() {
    on_every_device(|device| {
        let (fixture, block) = load("resnet_block_plain", ResnetBlock2d::new(32, 64, None, 8, 1e-6, device));
        let output = block.forward(fixture.tensor("input", device), None);
        assert_close("ResNet block", output, fixture.tensor("output", device), TOLERANCE);
    });
}

#[test]
fn downsample() {
    on_every_device(|device| {
        for (name, padding) in [("downsample", Padding::Even(1)), ("downsample_vae", Padding::BottomRight)] {
            let (fixture, block) = load(name, Downsample2d::new(16, padding, device));
            for (input, output) in [("input", "output"), ("input_odd", "output_odd")] {
                let halved = block.forward(fixture.tensor(input, device));
                assert_close(&format!("{name} {output}"), halved, fixture.tensor(output, device), TOLERANCE);
            }
        }
    });
}

#[test]
fn upsample() {
    on_every_device(|device| {
        let (fixture, block) = load("upsample", Upsample2d::new(16, device));
        for (size, output) in [([14, 10], "output"), ([13, 9], "output_13x9")] {
            let doubled = block.forward(fixture.tensor("input", device), size);
            assert_close(output, doubled, fixture.tensor(output, device), TOLERANCE);
        }
    });
}

#[test]
fn timesteps() {
    on_every_device(|device| {
        let (fixture, embedding) = load("timestep_embedding", TimestepEmbedding::new(32, 128, device));
        let timesteps: Vec<f64> = fixture.floats("timesteps").into_iter().map(f64::from).collect();
        let features = timestep_features(&timesteps, 32, true, 0.0, device);
        assert_close("features", features.clone(), fixture.tensor("projection", device), TOLERANCE);
        assert_close("embedding", embedding.forward(features), fixture.tensor("output", device), TOLERANCE);

        let sines_first = timestep_features(&timesteps, 32, false, 0.0, device);
        let halves = sines_first.chunk(2, 1).into_iter().rev().collect();
        assert_close("flipped", Tensor::cat(halves, 1), fixture.tensor("projection", device), TOLERANCE);
    });
}

#[test]
fn group_norm() {
    on_every_device(|device| {
        let (fixture, norm) = load("group_norm", GroupNorm::new(8, 32, 1e-6, device));
        let input = || fixture.tensor("input", device);
        // Channels around 100 keep five of the seven digits that f32 has. Measured: 2e-6, of which 1.4e-6 are the
        // reference's own error against f64.
        assert_close("group norm", norm.forward(input()), fixture.tensor("output", device), 1e-5);
        assert_close("with SiLU", norm.forward_silu(input()), fixture.tensor("output_silu", device), 1e-5);
    });
}

#[test]
fn clip_layer() {
    on_every_device(|device| {
        for (name, activation, causal) in
            [("clip_layer", Activation::QuickGelu, true), ("clip_layer_gelu", Activation::Gelu, false)]
        {
            let (fixture, layer) = load(name, ClipEncoderLayer::new(32, 64, 4, activation, 1e-5, device));
            let output = layer.forward(fixture.tensor("hidden_states", device), causal);
            assert_close(name, output, fixture.tensor("output", device), TOLERANCE);
        }
    });
}

/// `[rows, columns]` of small whole numbers, of which every sum is exact.
fn whole_numbers<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|i: usize| (i * 7 % 11) as f32 - 5.0).collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

#[test]
fn layer_norm_is_its_formula() {
    on_every_device(|device| {
        let mut norm = LayerNorm::new(3, 1e-5, device);
        norm.weight = Param::from_tensor(Tensor::from_floats([1.0, 2.0, 0.5], device));
        norm.bias = Param::from_tensor(Tensor::from_floats([0.0, 1.0, -1.0], device));
        let output = norm.forward(Tensor::<2>::from_floats([[1.0, 2.0, 6.0], [-1.0, -1.0, -1.0]], device));
        // Mean 3, variance 14 / 3; a constant row leaves the bias.
        let scale = 1.0 / (14.0f32 / 3.0 + 1e-5).sqrt();
        let expected = [[-2.0 * scale, 1.0 - 2.0 * scale, 1.5 * scale - 1.0], [0.0, 1.0, -1.0]];
        assert_close("layer norm", output, Tensor::from_floats(expected, device), TOLERANCE);
    });
}

#[test]
fn linear_multiplies_the_last_axis_of_any_rank() {
    on_every_device(|device| {
        let mut map = Linear::new(4, 3, true, device);
        map.weight = Param::from_tensor(whole_numbers([3, 4], device));
        map.bias = Some(Param::from_tensor(Tensor::from_floats([10.0, 20.0, 30.0], device)));
        let x = whole_numbers([2, 5, 4], device);
        let rows = map.forward(x.clone().reshape([10, 4]));
        let of_rank_3: Tensor<2> = map.forward(x.clone()).reshape([10, 3]);
        assert_eq!(of_rank_3.into_data(), rows.clone().into_data());
        let [x, w, y] = [x.reshape([10, 4]), map.weight.val(), rows]
            .map(|tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().expect("floats"));
        for (i, &found) in y.iter().enumerate() {
            let (row, out) = (i / 3, i % 3);
            let product: f32 = (0..4).map(|k| x[row * 4 + k] * w[out * 4 + k]).sum();
            assert_eq!(found, product + 10.0 * (out + 1) as f32);
        }
    });
}

#[test]
fn embedding_takes_rows() {
    on_every_device(|device| {
        let mut table = Embedding::new(4, 3, device);
        table.weight = Param::from_tensor(whole_numbers([4, 3], device));
        let ids = Tensor::from_data(TensorData::new(vec![3i64, 0, 3, 1], [2, 2]), device);
        let rows: Vec<f32> = table.forward(ids).into_data().try_into_vec_as().expect("floats");
        let table: Vec<f32> = table.weight.val().into_data().try_into_vec_as().expect("floats");
        let expected: Vec<f32> =
            [3, 0, 3, 1].iter().flat_map(|&row| table[3 * row..][..3].to_vec()).collect();
        assert_eq!(rows, expected);
    });
}

#[test]
#[should_panic(expected = "a parameter of shape [5, 3, 3, 3] was read before a checkpoint was loaded")]
fn an_empty_parameter_is_not_read() {
    let device = devices().remove(0);
    Conv2d::new(3, 5, 3, &device).forward(Tensor::zeros([1, 3, 4, 4], &device));
}
