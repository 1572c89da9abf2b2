//! What is refused, and in which words.

use std::fmt::Write;

use gligen_clip_vision::{ClipImageEncoder, ClipSafetyChecker, ClipVisionConfig, Error, Preprocessor};
use gligen_testkit::{devices, fixtures};
use gligen_weights::Weights;

#[test]
fn configurations() {
    let mut messages = String::new();
    for json in [
        r#"{"model_type": "siglip_vision_model"}"#,
        r#"{"model_type": "blip", "vision_config": {}}"#,
        r#"{"vision_config": {"hidden_act": "relu"}}"#,
        r#"{"vision_config": [], "vision_config_dict": null}"#,
        r#"{"pruned_heads": {"0": [1]}}"#,
        r#"{"quantization_config": {"bits": 8}}"#,
        r#"{"num_channels": 4}"#,
        r#"{"hidden_act": "gelu_new"}"#,
        r#"{"hidden_size": 0}"#,
        r#"{"hidden_size": 768.5}"#,
        r#"{"image_size": [224, 224]}"#,
        r#"{"image_size": 1e30}"#,
        r#"{"image_size": 16}"#,
        r#"{"hidden_size": 1000}"#,
        r#"{"layer_norm_eps": -1}"#,
        "[]",
        "{",
    ] {
        let error = ClipVisionConfig::parse_image_encoder(json).unwrap_err();
        writeln!(messages, "{json}\n  {error}").unwrap();
    }
    let json = r#"{"model_type": "clip", "projection_dim": 768}"#;
    let error = ClipVisionConfig::parse_safety_checker(json).unwrap_err();
    writeln!(messages, "{json}\n  {error}").unwrap();
    insta::assert_snapshot!(messages);
}

/// Of Stable Diffusion 1.4's safety checker, shortened: half of it twice, and with keys of other purposes.
#[test]
fn older_configuration_is_accepted() {
    let config = ClipVisionConfig::parse_safety_checker(
        r#"{
            "_name_or_path": "CompVis/stable-diffusion-safety-checker", "architectures": ["StableDiffusionSafetyChecker"],
            "initializer_factor": 1.0, "logit_scale_init_value": 2.6592, "model_type": "clip", "projection_dim": 768,
            "text_config": {"hidden_size": 768, "num_attention_heads": 12}, "torch_dtype": "float32",
            "text_config_dict": {"hidden_size": 768}, "transformers_version": null,
            "vision_config": {
                "attention_dropout": 0.0, "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 224,
                "intermediate_size": 4096, "model_type": "clip_vision_model", "num_attention_heads": 16,
                "num_hidden_layers": 24, "patch_size": 14, "pruned_heads": {}, "temperature": 1.0, "top_k": 50
            },
            "vision_config_dict": {
                "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24,
                "patch_size": 14
            }
        }"#,
    );
    insta::assert_debug_snapshot!(config.unwrap());
}

#[test]
fn preprocessors() {
    let mut messages = String::new();
    for json in [
        r#"{"image_processor_type": "ViTImageProcessor"}"#,
        r#"{"feature_extractor_type": "BlipFeatureExtractor"}"#,
        r#"{"size": "224"}"#,
        r#"{"size": 0}"#,
        r#"{"size": {"shortest_edge": 224, "longest_edge": 300}}"#,
        r#"{"size": {"height": 224}}"#,
        r#"{"size": {"shortest_edge": -1}}"#,
        r#"{"crop_size": {"shortest_edge": 224}}"#,
        r#"{"do_center_crop": false}"#,
        r#"{"do_center_crop": false, "do_resize": false}"#,
        r#"{"do_center_crop": 1}"#,
        r#"{"resample": 0}"#,
        r#"{"resample": "bicubic"}"#,
        r#"{"do_pad": true}"#,
        r#"{"use_square_size": true}"#,
        r#"{"rescale_factor": "1/255"}"#,
        r#"{"image_mean": [0.5, 0.5]}"#,
        r#"{"image_mean": [0.5, 0.5, "0.5"]}"#,
        r#"{"image_std": [0.5, 0.5, 0]}"#,
        r#"{"image_processor": 3}"#,
        "[]",
    ] {
        let error = Preprocessor::parse(json).unwrap_err();
        writeln!(messages, "{json}\n  {error}").unwrap();
    }
    let error = Preprocessor::load("no/such/folder").unwrap_err();
    writeln!(messages, "{error}").unwrap();
    insta::assert_snapshot!(messages);
}

/// Each part is sound, but one belongs to another model or is not there.
#[test]
fn parts_that_do_not_fit() {
    let device = &devices()[0];
    let part = |name: &str| fixtures().join("models").join(name);
    let config = |name: &str| std::fs::read_to_string(part(name).join("config.json")).unwrap();
    let weights = |name: &str, stem: &str| Weights::find(&part(name), &[stem]).unwrap();
    let encoder = |projection: &str, preprocessor: &str| {
        ClipImageEncoder::from_parts(
            &config("text-image/image_encoder"),
            &weights("text-image/image_encoder", "model"),
            projection,
            &weights("text-image/image_project", "diffusion_pytorch_model"),
            Preprocessor::parse(preprocessor).unwrap(),
            device,
        )
        .unwrap_err()
    };
    let mut messages = String::new();
    for error in [
        encoder(r#"{"_class_name": "CLIPImageProjection", "hidden_size": 768}"#, r#"{"crop_size": 32}"#),
        encoder(r#"{"_class_name": "IPAdapter", "hidden_size": 32}"#, r#"{"crop_size": 32}"#),
        encoder(r#"{"hidden_size": 32}"#, "{}"),
        encoder(r#"{"hidden_size": 32}"#, r#"{"crop_size": {"height": 32, "width": 40}}"#),
        ClipSafetyChecker::from_parts(
            &config("safety-checker/safety_checker"),
            &weights("safety-checker/safety_checker", "model"),
            Preprocessor::parse("{}").unwrap(),
            device,
        )
        .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Mismatch { .. } | Error::Config { .. }), "{error:?}");
        writeln!(messages, "{error}").unwrap();
    }
    let error =
        ClipImageEncoder::load(part("text-image/image_encoder"), "image_project", "processor", device);
    writeln!(messages, "{}", error.unwrap_err()).unwrap();
    insta::assert_snapshot!(messages);

    let folder = part("text-image");
    let missing =
        ClipImageEncoder::load("no/such", folder.join("image_project"), folder.join("processor"), device);
    assert!(matches!(missing, Err(Error::Read { .. })));
    // An image encoder's weights where a safety checker's are expected.
    let other = ClipSafetyChecker::from_parts(
        &config("safety-checker/safety_checker"),
        &weights("text-image/image_encoder", "model"),
        Preprocessor::load(part("safety-checker/feature_extractor")).unwrap(),
        device,
    );
    assert!(matches!(other, Err(Error::Weights(_))));
}
