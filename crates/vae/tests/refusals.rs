//! What is refused, and in which words.

use burn::Tensor;
use gligen_components::Autoencoder;
use gligen_testkit::{devices, fixtures};
use gligen_vae::{AutoencoderKl, AutoencoderKlConfig, VaeError};

#[test]
fn configs_of_other_models() {
    let two_levels =
        r#""block_out_channels": [32, 64], "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]"#;
    let cases = [
        "not JSON".into(),
        r#"{"layers_per_block": -1}"#.into(),
        r#"{"act_fn": "relu"}"#.into(),
        r#"{"shift_factor": 0.1159}"#.into(),
        r#"{"latents_mean": [0.1, 0.2, 0.3, 0.4]}"#.into(),
        r#"{"latents_std": [1.0, 1.0, 1.0, 1.0]}"#.into(),
        r#"{"mid_block_add_attention": false}"#.into(),
        r#"{"temporal_compression": 4}"#.into(),
        r#"{"down_block_types": ["AttnDownEncoderBlock2D"]}"#.into(),
        r#"{"up_block_types": ["AttnUpDecoderBlock2D"]}"#.into(),
        format!("{{{two_levels}}}"),
        r#"{"block_out_channels": []}"#.into(),
        r#"{"block_out_channels": [40]}"#.into(),
        r#"{"block_out_channels": [0]}"#.into(),
        r#"{"norm_num_groups": 0}"#.into(),
        r#"{"layers_per_block": 70000}"#.into(),
        r#"{"in_channels": 1}"#.into(),
        r#"{"out_channels": 4}"#.into(),
        r#"{"scaling_factor": 0.0}"#.into(),
    ];
    let lines = cases.map(|text: String| {
        let error = AutoencoderKlConfig::from_json(&text).expect_err(&text);
        format!("{text}\n    {error}\n")
    });
    insta::assert_snapshot!("configs", lines.concat());
}

#[test]
fn what_changes_nothing_is_taken() {
    let text = r#"{
        "_name_or_path": "somewhere", "act_fn": "silu", "force_upcast": false, "latents_mean": null,
        "latents_std": null, "mid_block_add_attention": true, "shift_factor": 0.0
    }"#;
    AutoencoderKlConfig::from_json(text).expect("a legal config");
}

#[test]
fn tensors_of_other_shapes() {
    let device = devices().remove(0);
    let vae = AutoencoderKl::load(&fixtures().join("models/text-box/vae"), &device).expect("a small model");
    let pictures = [[0, 3, 32, 32], [1, 4, 32, 32], [1, 3, 33, 32], [1, 3, 32, 4], [1, 3, 0, 32]];
    let latents = [[0, 4, 4, 4], [1, 3, 4, 4], [1, 4, 0, 4], [1, 4, 4, 0]];
    let encoded =
        pictures.map(|shape| vae.encode(Tensor::zeros(shape, &device)).expect_err("refused").to_string());
    let decoded =
        latents.map(|shape| vae.decode(Tensor::zeros(shape, &device)).expect_err("refused").to_string());
    insta::assert_snapshot!("shapes", [encoded.join("\n"), decoded.join("\n")].join("\n"));
}

#[test]
fn a_picture_of_one_latent_is_not_too_small() {
    let device = devices().remove(0);
    let vae = AutoencoderKl::load(&fixtures().join("models/text-box/vae"), &device).expect("a small model");
    let latents = vae.encode(Tensor::zeros([1, 3, 8, 24], &device)).expect("a whole picture").mode();
    assert_eq!(latents.dims(), [1, 4, 1, 3]);
    assert_eq!(vae.decode(latents).expect("latents").dims(), [1, 3, 8, 24]);
}

#[test]
fn an_absent_folder_and_one_of_another_network() {
    let device = devices().remove(0);
    let absent = fixtures().join("no-such-model");
    match AutoencoderKl::load(&absent, &device) {
        Err(VaeError::Read { path, .. }) => assert_eq!(path, absent.join("config.json")),
        other => panic!("{other:?}"),
    }
    let other = AutoencoderKl::load(&fixtures().join("models/text-box/text_encoder"), &device);
    assert!(matches!(other, Err(VaeError::Weights(_))), "{other:?}");
}
