//! CLIP's encoder layer against the reference.

use burn::Tensor;
use gligen_nn::{Activation, ClipEncoder, ClipEncoderLayer};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_weights::{KeyMap, Weights};

/// As in the text tower.
#[test]
fn causal_quick_gelu() {
    assert_layer("clip_layer", Activation::QuickGelu, true);
}

/// As in the vision tower.
#[test]
fn full_gelu() {
    assert_layer("clip_layer_gelu", Activation::Gelu, false);
}

fn assert_layer(name: &str, activation: Activation, causal: bool) {
    let fixture = Fixture::open(name);
    for device in devices() {
        let layer = ClipEncoderLayer::new(32, 64, 4, activation, 1e-5, &device);
        let weights = Weights::open(&fixtures().join(format!("{name}.safetensors"))).unwrap();
        let layer = weights.load(layer, &KeyMap::new().only_prefix("weights.")).unwrap();
        let output = layer.forward(fixture.tensor("hidden_states", &device), causal);
        // Sums of 32 and 64 numbers in another order.
        assert_close(name, output, fixture.tensor::<3>("output", &device), 1e-6);
    }
}

/// What a token becomes depends on the tokens before it alone, if causal.
#[test]
fn causal_hides_what_comes_later() {
    let fixture = Fixture::open("clip_layer");
    for device in devices() {
        let layer = ClipEncoderLayer::new(32, 64, 4, Activation::QuickGelu, 1e-5, &device);
        let weights = Weights::open(&fixtures().join("clip_layer.safetensors")).unwrap();
        let layer = weights.load(layer, &KeyMap::new().only_prefix("weights.")).unwrap();
        let input: Tensor<3> = fixture.tensor("hidden_states", &device);
        let start = input.clone().narrow(1, 0, 3);
        let expected = layer.forward(input.clone(), true).narrow(1, 0, 3);
        assert_close("the first three tokens", layer.forward(start, true), expected, 1e-6);
    }
}

#[test]
fn paths_are_the_keys() {
    let encoder = ClipEncoder::new(1, 8, 16, 2, Activation::Gelu, 1e-5, &devices()[0]);
    let paths: Vec<String> = gligen_weights::parameters(&encoder).into_iter().map(|(path, _)| path).collect();
    let layer = [
        "self_attn.q_proj.weight",
        "self_attn.q_proj.bias",
        "self_attn.k_proj.weight",
        "self_attn.k_proj.bias",
        "self_attn.v_proj.weight",
        "self_attn.v_proj.bias",
        "self_attn.out_proj.weight",
        "self_attn.out_proj.bias",
        "layer_norm1.weight",
        "layer_norm1.bias",
        "mlp.fc1.weight",
        "mlp.fc1.bias",
        "mlp.fc2.weight",
        "mlp.fc2.bias",
        "layer_norm2.weight",
        "layer_norm2.bias",
    ];
    assert_eq!(paths, layer.map(|key| format!("layers.0.{key}")));
}
