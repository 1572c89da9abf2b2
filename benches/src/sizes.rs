//! The shapes of random models, as their config files.

use gligen_pipeline::sd1_configs;
use gligen_weights::Grounding;
use serde_json::{Value, json};

/// A shape.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Size {
    /// The published text-box checkpoints: Stable Diffusion 1.4 with gated self-attention
    Sd14,
    /// The published text-image-box checkpoint, whose objects may have pictures
    Sd14TextImage,
    /// The build of the first with as little in it as can be
    Tiny,
}

/// `config.json` of each network.
pub(crate) struct Configs {
    pub(crate) unet: Value,
    pub(crate) vae: Value,
    pub(crate) text_encoder: Value,
    pub(crate) pictures: Option<PictureConfigs>,
}

/// What looks at pictures of objects.
pub(crate) struct PictureConfigs {
    pub(crate) image_encoder: Value,
    pub(crate) image_project: Value,
    /// `preprocessor_config.json`.
    pub(crate) processor: Value,
}

impl Size {
    /// The folder in `fixtures/` whose tokenizer the text encoder knows.
    pub(crate) fn tokenizer(self) -> &'static str {
        match self {
            Self::Sd14 | Self::Sd14TextImage => "clip-tokenizer",
            Self::Tiny => "tiny-gligen/tokenizer",
        }
    }

    pub(crate) fn configs(self) -> Configs {
        let (vae, text_encoder) = (sd1_configs::vae(), sd1_configs::text_encoder());
        match self {
            Self::Sd14 => Configs { unet: sd1_configs::unet(4, "gated"), vae, text_encoder, pictures: None },
            Self::Sd14TextImage => Configs {
                unet: sd1_configs::unet(4, "gated-text-image"),
                vae,
                text_encoder,
                pictures: Some(picture_configs()),
            },
            Self::Tiny => Configs {
                unet: with(
                    sd1_configs::unet(4, "gated"),
                    json!({
                        "attention_head_dim": 2,
                        "block_out_channels": [8, 8, 16, 16],
                        "cross_attention_dim": 16,
                        "norm_num_groups": 4,
                        "sample_size": 8,
                    }),
                ),
                vae: with(
                    vae,
                    json!({"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4, "sample_size": 64}),
                ),
                text_encoder: with(
                    text_encoder,
                    json!({
                        "bos_token_id": 1501,
                        "eos_token_id": 1502,
                        "hidden_size": 16,
                        "intermediate_size": 64,
                        "num_attention_heads": 2,
                        "num_hidden_layers": 2,
                        "pad_token_id": 1502,
                        "projection_dim": 16,
                        "vocab_size": 1503,
                    }),
                ),
                pictures: None,
            },
        }
    }

    /// `model_index.json`, as diffusers reads it.
    pub(crate) fn model_index(self) -> Value {
        match self {
            Self::Sd14 | Self::Tiny => sd1_configs::model_index(Grounding::TextBox),
            Self::Sd14TextImage => with(
                sd1_configs::model_index(Grounding::TextImageBox),
                json!({
                    "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
                    "image_project": ["stable_diffusion", "CLIPImageProjection"],
                    "processor": ["transformers", "CLIPProcessor"],
                }),
            ),
        }
    }
}

/// Source: the vision half of `config.json` of CLIP ViT-L/14, and `masterful/gligen-1-4-generation-text-image-box`.
fn picture_configs() -> PictureConfigs {
    PictureConfigs {
        image_encoder: json!({
            "architectures": ["CLIPVisionModelWithProjection"],
            "hidden_act": "quick_gelu",
            "hidden_size": 1024,
            "image_size": 224,
            "intermediate_size": 4096,
            "layer_norm_eps": 1e-5,
            "model_type": "clip_vision_model",
            "num_attention_heads": 16,
            "num_channels": 3,
            "num_hidden_layers": 24,
            "patch_size": 14,
            "projection_dim": 768,
        }),
        image_project: json!({"_class_name": "CLIPImageProjection", "hidden_size": 768}),
        processor: json!({
            "crop_size": {"height": 224, "width": 224},
            "do_center_crop": true,
            "do_normalize": true,
            "do_resize": true,
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 224},
        }),
    }
}

/// `config` with `changes` in it.
fn with(mut config: Value, changes: Value) -> Value {
    if let (Value::Object(config), Value::Object(mut changes)) = (&mut config, changes) {
        config.append(&mut changes);
    }
    config
}
