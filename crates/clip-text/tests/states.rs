//! States of the reference, from whole folders as they are published.

use gligen_clip_text::{ClipTextConfig, ClipTextEncoder, ClipTextTransformer};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};

/// A layer's sums differ in their order, each by parts of 1e-7; layers add up.
const TOLERANCE: f64 = 1e-5;

fn load(model: &str, device: &burn::tensor::Device) -> ClipTextEncoder {
    let folder = fixtures().join(model);
    ClipTextEncoder::load(folder.join("text_encoder"), folder.join("tokenizer"), device).unwrap()
}

fn prompts() -> [String; 3] {
    ["a cat and a red apple on a light blue background".into(), String::new(), "a cat, ".repeat(30)]
}

/// quick_gelu, the end token by its number.
#[test]
fn text_box() {
    assert_states("models/text-box", "clip_text");
}

/// gelu, and an end token that is misnamed in the configuration.
#[test]
fn text_box_linear() {
    assert_states("models/text-box-linear", "clip_text_linear");
}

fn assert_states(model: &str, stored: &str) {
    let fixture = Fixture::open(stored);
    for device in devices() {
        let encoder = load(model, &device);
        let states = encoder.encode(&prompts(), 0).unwrap();
        assert_close("hidden", states.hidden, fixture.tensor("last_hidden_state", &device), TOLERANCE);
        assert_close("pooled", states.pooled, fixture.tensor("pooler_output", &device), TOLERANCE);
        assert_eq!(states.truncated[..2], [None, None]);
        // 30 times three tokens, of which 75 fit.
        assert_eq!(states.truncated[2].as_deref(), Some(["a cat,"; 5].join(" ").as_str()));

        let skipped = encoder.encode(&prompts(), 1).unwrap();
        assert_close("clip skip 1", skipped.hidden, fixture.tensor("hidden_1", &device), TOLERANCE);
        let pooled = fixture.tensor("pooler_output", &device);
        assert_close("pooled at full depth", skipped.pooled, pooled, TOLERANCE);

        let ids: Vec<i64> = prompts()
            .iter()
            .flat_map(|text| encoder.tokenizer().encode(text).unwrap().ids)
            .map(i64::from)
            .collect();
        assert_eq!(ids, fixture.integers("input_ids"));
    }
}

/// Half precision in the file, and trained weights.
#[test]
fn trained_model() {
    let fixture = Fixture::open("tiny_gligen");
    for device in devices() {
        let states = load("tiny-gligen", &device).encode(&["a cat"], 0).unwrap();
        assert_close("hidden", states.hidden, fixture.tensor("encoder_hidden_states", &device), TOLERANCE);
        assert_close("pooled", states.pooled, fixture.tensor("pooler_output", &device), TOLERANCE);
    }
}

/// A text has the same states in any company.
#[test]
fn texts_do_not_meet() {
    for device in devices() {
        let encoder = load("tiny-gligen", &device);
        let alone = encoder.encode(&["a cat"], 0).unwrap();
        let among = encoder.encode(&["a dog", "a cat", ""], 0).unwrap();
        assert_close("hidden", among.hidden.narrow(0, 1, 1), alone.hidden, 1e-6);
        assert_close("pooled", among.pooled.narrow(0, 1, 1), alone.pooled, 1e-6);
    }
}

#[test]
fn no_texts_have_no_states() {
    for device in devices() {
        let states = load("models/text-box", &device).encode::<&str>(&[], 0).unwrap();
        assert_eq!(states.hidden.dims(), [0, 77, 32]);
        assert_eq!(states.pooled.dims(), [0, 32]);
    }
}

/// Two layers can be skipped by one at most.
#[test]
fn clip_skip_leaves_a_layer() {
    let encoder = load("models/text-box", &devices()[0]);
    insta::assert_snapshot!(encoder.encode(&["a cat"], 2).unwrap_err(), @"clip skip: expected less than the text encoder's 2 layers, found 2");
}

/// The paths of all parameters are the checkpoint's keys.
#[test]
fn keys() {
    let config = std::fs::read(fixtures().join("models/text-box/text_encoder/config.json")).unwrap();
    let config = ClipTextConfig::parse(&config).unwrap();
    let transformer = ClipTextTransformer::new(&config, &devices()[0]);
    let lines: Vec<String> = gligen_weights::parameters(&transformer)
        .into_iter()
        .map(|(path, shape)| format!("{path} {shape:?}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
