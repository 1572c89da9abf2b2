//! GLIGEN's own layers against stored tensors of the reference, in f32.
//!
//! The tolerance is 1e-5 for a block: rounding of f32 sums in another order gives about 1e-6.

use burn::module::Module;
use burn::tensor::Device;
use gligen_components::{Grounding, SlotFeatures};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_unet::transformer::{Transformer2d, TransformerBlock};
use gligen_unet::{AttentionType, Fuser, PositionNet, UNetConfig, fourier_features};
use gligen_weights::{KeyMap, Weights};

/// The fixture `name` with its weights loaded into `module`.
fn load<M: Module>(name: &str, module: M) -> (Fixture, M) {
    let weights = Weights::open(&fixtures().join(format!("{name}.safetensors"))).unwrap();
    let module = weights.load(module, &KeyMap::new().only_prefix("weights.")).unwrap();
    (Fixture::open(name), module)
}

/// What the layers of the fixtures were built with.
fn config(attention_type: AttentionType) -> UNetConfig {
    UNetConfig { cross_attention_dim: 32, attention_type, norm_num_groups: 8, ..UNetConfig::default() }
}

#[test]
fn fourier() {
    let fixture = Fixture::open("fourier");
    for device in devices() {
        let features = fourier_features(fixture.tensor("boxes", &device));
        assert_close("fourier", features, fixture.tensor("output", &device), 1e-6);
    }
}

#[test]
fn position_net() {
    for device in devices() {
        let net = PositionNet::new(&config(AttentionType::Gated), &device).unwrap();
        let (fixture, net) = load("position_net", net);
        let grounding = Grounding {
            boxes: fixture.tensor("boxes", &device),
            masks: fixture.tensor("masks", &device),
            phrases: SlotFeatures {
                embeddings: fixture.tensor("positive_embeddings", &device),
                masks: fixture.tensor("masks", &device),
            },
            images: None,
        };
        assert_close("position net", net.forward(&grounding), fixture.tensor("objs", &device), 1e-5);
    }
}

/// Fractional masks of boxes, phrases and pictures, each its own.
#[test]
fn position_net_for_phrases_and_pictures() {
    for device in devices() {
        let net = PositionNet::new(&config(AttentionType::GatedTextImage), &device).unwrap();
        let (fixture, net) = load("position_net_text_image", net);
        let features = |kind: &str| SlotFeatures {
            embeddings: fixture.tensor(&format!("{kind}_embeddings"), &device),
            masks: fixture.tensor(&format!("{kind}_masks"), &device),
        };
        let grounding = Grounding {
            boxes: fixture.tensor("boxes", &device),
            masks: fixture.tensor("masks", &device),
            phrases: features("phrases"),
            images: Some(features("image")),
        };
        assert_close("position net", net.forward(&grounding), fixture.tensor("objs", &device), 1e-5);
    }
}

#[test]
fn fuser() {
    for device in devices() {
        let (fixture, fuser) = load("fuser", Fuser::new(40, 32, 4, &device));
        let grounding = fuser.prepare(fixture.tensor("objs", &device));
        let x = fixture.tensor("x", &device);
        assert_close("fuser", fuser.forward(x, &grounding, 1.0), fixture.tensor("output", &device), 1e-5);
    }
}

#[test]
fn a_fuser_of_scale_zero_changes_nothing() {
    let device = devices().remove(0);
    let (fixture, fuser) = load("fuser", Fuser::new(40, 32, 4, &device));
    let grounding = fuser.prepare(fixture.tensor("objs", &device));
    let x = fixture.tensor::<3>("x", &device);
    assert_close("fuser", fuser.forward(x.clone(), &grounding, 0.0), x, 0.0);
}

#[test]
fn transformer_block() {
    for device in devices() {
        let block = TransformerBlock::new(&config(AttentionType::Gated), 40, 4, &device);
        let (fixture, block) = load("transformer_block", block);
        let text = fixture.tensor("encoder_hidden_states", &device);
        let conditioning = block.prepare(&text, Some(&fixture.tensor("objs", &device)));
        for (scale, name) in [(1.0, "output"), (0.0, "output_fuser_off")] {
            let x = fixture.tensor("hidden_states", &device);
            let output = block.forward(x, &conditioning, scale);
            assert_close(name, output, fixture.tensor(name, &device), 1e-5);
        }
    }
}

fn transformer_2d(name: &str, use_linear_projection: bool, device: &Device) {
    let config = UNetConfig { use_linear_projection, ..config(AttentionType::Gated) };
    let (fixture, transformer) = load(name, Transformer2d::new(&config, 40, 4, device));
    let text = fixture.tensor("encoder_hidden_states", device);
    let conditioning = transformer.prepare(&text, Some(&fixture.tensor("objs", device)));
    for (scale, output) in [(1.0, "output"), (0.0, "output_fuser_off")] {
        let x = fixture.tensor("hidden_states", device);
        let found = transformer.forward(x, &conditioning, scale);
        assert_close(&format!("{name} {output}"), found, fixture.tensor(output, device), 1e-5);
    }
}

#[test]
fn transformers_with_convolutions_and_with_linear_maps() {
    for device in devices() {
        transformer_2d("transformer_2d", false, &device);
        transformer_2d("transformer_2d_linear", true, &device);
    }
}
