//! The configs that all Stable Diffusion 1.x models share, as they are published.
//!
//! ```
//! use gligen_pipeline::sd1_configs;
//!
//! assert_eq!(sd1_configs::unet(4, "gated")["block_out_channels"][0], 320);
//! ```

use gligen_weights::Grounding;
use serde_json::{Value, json};

/// Widths of the UNet's levels.
pub(crate) const WIDTHS: [usize; 4] = [320, 640, 1280, 1280];
/// Width of the text encoder's states.
pub(crate) const CONTEXT: usize = 768;

/// `unet/config.json`, with diffusers' word for the objects that it takes: `default`, `gated` or `gated-text-image`.
///
/// Source: Stable Diffusion 1.4, and `masterful/gligen-1-4-generation-text-box`.
pub fn unet(in_channels: usize, attention_type: &str) -> Value {
    json!({
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "attention_head_dim": 8,
        "attention_type": attention_type,
        "block_out_channels": WIDTHS,
        "center_input_sample": false,
        "cross_attention_dim": CONTEXT,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "downsample_padding": 1,
        "flip_sin_to_cos": true,
        "freq_shift": 0,
        "in_channels": in_channels,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-5,
        "norm_num_groups": 32,
        "out_channels": 4,
        "sample_size": 64,
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "use_linear_projection": false,
    })
}

/// `vae/config.json`.
pub fn vae() -> Value {
    json!({
        "_class_name": "AutoencoderKL",
        "act_fn": "silu",
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "out_channels": 3,
        "sample_size": 512,
        "scaling_factor": 0.18215,
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
    })
}

/// `text_encoder/config.json`.
///
/// Source: the text half of `config.json` of CLIP ViT-L/14.
pub fn text_encoder() -> Value {
    json!({
        "architectures": ["CLIPTextModel"],
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "hidden_act": "quick_gelu",
        "hidden_size": CONTEXT,
        "intermediate_size": 3072,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": 77,
        "model_type": "clip_text_model",
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "pad_token_id": 49407,
        "projection_dim": 768,
        "vocab_size": 49408,
    })
}

/// `scheduler/scheduler_config.json`.
pub fn scheduler() -> Value {
    json!({
        "_class_name": "PNDMScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "clip_sample": false,
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "set_alpha_to_one": false,
        "skip_prk_steps": true,
        "steps_offset": 1,
        "trained_betas": null,
    })
}

/// `model_index.json` of a model without safety checker.
pub fn model_index(grounding: Grounding) -> Value {
    let class = match grounding {
        Grounding::None => "StableDiffusionPipeline",
        Grounding::TextImageBox => "StableDiffusionGLIGENTextImagePipeline",
        _ => "StableDiffusionGLIGENPipeline",
    };
    json!({
        "_class_name": class,
        "_diffusers_version": "0.42.1",
        "feature_extractor": [null, null],
        "requires_safety_checker": false,
        "safety_checker": [null, null],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    })
}
