//! The parameters' paths, which are the keys of the published checkpoints.

use gligen_testkit::devices;
use gligen_vae::AutoencoderKlConfig;
use gligen_weights::parameters;

/// What `vae/config.json` of Stable Diffusion 1.4 says about the shape.
const PUBLISHED: &str = r#"{
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.2.2",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 512,
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
}"#;

#[test]
fn are_those_of_stable_diffusion() {
    let config = AutoencoderKlConfig::from_json(PUBLISHED).expect("a published config");
    assert_eq!((config.downscale(), config.scaling_factor), (8, 0.18215));
    let mut lines: Vec<String> = parameters(&config.init(&devices()[0]))
        .into_iter()
        .map(|(path, shape)| format!("{path} {shape:?}"))
        .collect();
    lines.sort();
    assert_eq!(lines.len(), 248);
    insta::assert_snapshot!("stable_diffusion", lines.join("\n"));
}

#[test]
fn the_outer_convolutions_can_be_absent() {
    let text = r#"{"use_quant_conv": false, "use_post_quant_conv": false}"#;
    let config = AutoencoderKlConfig::from_json(text).expect("a legal config");
    let paths = parameters(&config.init(&devices()[0]));
    assert!(paths.iter().all(|(path, _)| !path.contains("quant_conv")));
    let with = parameters(&AutoencoderKlConfig::default().init(&devices()[0]));
    assert_eq!(with.len(), paths.len() + 4);
}
