//! Whole networks against stored tensors of the reference, in f32; the keys of checkpoints.
//!
//! The tolerance is 1e-5: some twenty blocks, each of about 1e-6.

use burn::Tensor;
use gligen_components::{Conditioning, Denoiser, Grounding, SlotFeatures};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_unet::{UNet, UNetConfig, UNetError};

fn conditioning(fixture: &Fixture, device: &burn::tensor::Device) -> Conditioning {
    Conditioning {
        encoder_hidden_states: fixture.tensor("encoder_hidden_states", device),
        grounding: Some(Grounding {
            boxes: fixture.tensor("boxes", device),
            masks: fixture.tensor("masks", device),
            phrases: SlotFeatures {
                embeddings: fixture.tensor("positive_embeddings", device),
                masks: fixture.tensor("masks", device),
            },
            images: None,
        }),
    }
}

fn whole(model: &str, name: &str) {
    let fixture = Fixture::open(name);
    for device in devices() {
        let unet = UNet::load(&fixtures().join("models").join(model).join("unet"), &device).unwrap();
        let mut run = unet.begin(&conditioning(&fixture, &device)).unwrap();
        for size in ["square", "odd"] {
            for timestep in [981, 1] {
                for (scale, fusers) in [(1.0, "on"), (0.0, "off")] {
                    let sample = fixture.tensor(&format!("sample_{size}"), &device);
                    let output = format!("output_{size}_{timestep}_{fusers}");
                    let found = run.predict(sample, f64::from(timestep), scale).unwrap();
                    assert_close(&format!("{model} {output}"), found, fixture.tensor(&output, &device), 1e-5);
                }
            }
        }
    }
}

#[test]
fn text_box() {
    whole("text-box", "unet_text_box");
}

/// Three levels, linear projections, heads as a list, an old name of the attention type, pickled weights.
#[test]
fn text_box_linear() {
    whole("text-box-linear", "unet_text_box_linear");
}

#[test]
fn the_small_trained_model() {
    let fixture = Fixture::open("tiny_gligen");
    let device = devices().remove(0);
    let unet = UNet::load(&fixtures().join("tiny-gligen/unet"), &device).unwrap();
    let mut run = unet.begin(&conditioning(&fixture, &device)).unwrap();
    for (scale, output) in [(1.0, "output_501_on"), (0.0, "output_501_off")] {
        let found = run.predict(fixture.tensor("sample", &device), 501.0, scale).unwrap();
        assert_close(output, found, fixture.tensor(output, &device), 1e-5);
    }
}

#[test]
fn half_a_scale_lies_between() {
    let fixture = Fixture::open("unet_text_box");
    let device = devices().remove(0);
    let unet = UNet::load(&fixtures().join("models/text-box/unet"), &device).unwrap();
    let mut run = unet.begin(&conditioning(&fixture, &device)).unwrap();
    let mut predict = |scale| -> Vec<f32> {
        let sample = fixture.tensor("sample_square", &device);
        run.predict(sample, 981.0, scale).unwrap().into_data().try_into_vec_as().unwrap()
    };
    let (off, half, on) = (predict(0.0), predict(0.5), predict(1.0));
    assert!(gligen_testkit::relative_error(&half, &off) < gligen_testkit::relative_error(&on, &off));
    assert!(gligen_testkit::relative_error(&half, &on) > 1e-3);
}

#[test]
fn wrong_shapes_are_errors() {
    let device = devices().remove(0);
    let fixture = Fixture::open("unet_text_box");
    let unet = UNet::load(&fixtures().join("models/text-box/unet"), &device).unwrap();
    let good = conditioning(&fixture, &device);

    let narrow = good.encoder_hidden_states.clone().narrow(2, 0, 16);
    let error = unet.begin(&Conditioning { encoder_hidden_states: narrow, ..good.clone() }).err().unwrap();
    insta::assert_snapshot!(error, @"encoder_hidden_states: expected [batch, tokens, 32], found [2, 77, 16]");

    let mut run = unet.begin(&good).unwrap();
    let one = fixture.tensor::<4>("sample_square", &device).narrow(0, 0, 1);
    let error = run.predict(one, 1.0, 1.0).err().unwrap();
    insta::assert_snapshot!(error, @"latents: expected [2, 4, 16, 16], found [1, 4, 16, 16]");
}

#[test]
fn objects_need_a_position_net() {
    let device = devices().remove(0);
    let fixture = Fixture::open("unet_text_box");
    let text = std::fs::read_to_string(fixtures().join("models/text-box/unet/config.json")).unwrap();
    let plain = UNetConfig::from_json(&text.replace("\"gated\"", "\"default\"")).unwrap().init(&device);
    let error = plain.begin(&conditioning(&fixture, &device)).err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(UNetError::NoPositionNet)));
}

/// Tensors and parameters of the published Stable Diffusion 1.4 checkpoints with and without GLIGEN.
#[test]
fn the_published_size_has_the_published_keys() {
    let device = devices().remove(0);
    let config = |attention_type: &str| {
        let text = format!(r#"{{"cross_attention_dim": 768, "attention_type": "{attention_type}"}}"#);
        UNetConfig::from_json(&text).unwrap()
    };
    let count = |attention_type: &str| {
        let parameters = gligen_weights::parameters(&config(attention_type).init(&device));
        let numbers: usize = parameters.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        (parameters.len(), numbers)
    };
    assert_eq!(count("default").0, 686);
    assert_eq!(count("gated"), (966, 1_068_623_204));
    assert_eq!(count("gated-text-image").0, 973);

    let mut keys: Vec<_> = gligen_weights::parameters(&config("gated").init(&device))
        .into_iter()
        .map(|(key, shape)| format!("{key} {shape:?}"))
        .collect();
    keys.sort();
    insta::assert_snapshot!("published_keys", keys.join("\n"));
}

/// The original's pipeline for pictures evaluates a whole guided batch with objects and once more without, and uses half
/// of each. One evaluation of a batch whose first half has no objects gives the same numbers.
#[test]
fn one_mixed_evaluation_equals_halves_of_two() {
    let fixture = Fixture::open("unet_text_box");
    for device in devices() {
        let unet = UNet::load(&fixtures().join("models/text-image/unet"), &device).unwrap();
        let features = || SlotFeatures {
            embeddings: fixture.tensor("positive_embeddings", &device),
            masks: fixture.tensor::<2>("masks", &device).ones_like(),
        };
        let with = Grounding {
            boxes: fixture.tensor("boxes", &device),
            masks: fixture.tensor::<2>("masks", &device).ones_like(),
            phrases: features(),
            images: Some(features()),
        };
        let zeros = |features: &SlotFeatures| SlotFeatures {
            embeddings: features.embeddings.zeros_like(),
            masks: features.masks.zeros_like(),
        };
        let without = Grounding {
            boxes: with.boxes.zeros_like(),
            masks: with.masks.zeros_like(),
            phrases: zeros(&with.phrases),
            images: with.images.as_ref().map(zeros),
        };
        fn halves<const D: usize>(first: &Tensor<D>, second: &Tensor<D>) -> Tensor<D> {
            Tensor::cat(vec![first.clone().narrow(0, 0, 1), second.clone().narrow(0, 1, 1)], 0)
        }
        let mixed_features = |first: &SlotFeatures, second: &SlotFeatures| SlotFeatures {
            embeddings: halves(&first.embeddings, &second.embeddings),
            masks: halves(&first.masks, &second.masks),
        };
        let mixed = Grounding {
            boxes: halves(&without.boxes, &with.boxes),
            masks: halves(&without.masks, &with.masks),
            phrases: mixed_features(&without.phrases, &with.phrases),
            images: without.images.as_ref().zip(with.images.as_ref()).map(|(a, b)| mixed_features(a, b)),
        };
        let predict = |grounding: &Grounding| {
            let conditioning = Conditioning {
                encoder_hidden_states: fixture.tensor("encoder_hidden_states", &device),
                grounding: Some(grounding.clone()),
            };
            let sample = fixture.tensor("sample_square", &device);
            unet.begin(&conditioning).unwrap().predict(sample, 981.0, 1.0).unwrap()
        };
        let (with, without) = (predict(&with), predict(&without));
        assert!(gligen_testkit::relative_error(&numbers(&with), &numbers(&without)) > 1e-3, "objects count");
        // On the CPU each sample is computed alone, so that not a bit differs; elsewhere only rounding may.
        let tolerance = if device == devices()[0] { 0.0 } else { 1e-6 };
        assert_close("mixed", predict(&mixed), halves(&without, &with), tolerance);
    }
}

fn numbers(tensor: &Tensor<4>) -> Vec<f32> {
    tensor.clone().into_data().try_into_vec_as().unwrap()
}
