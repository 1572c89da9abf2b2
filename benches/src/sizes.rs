//! The shapes of random models, as their config files.

use serde_json::{Value, json};

/// A shape.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Size {
    /// The published text-box checkpoints: Stable Diffusion 1.4 with gated self-attention
    Sd14,
    /// The same build with as little in it as can be
    Tiny,
}

/// `config.json` of each network.
pub(crate) struct Configs {
    pub(crate) unet: Value,
    pub(crate) vae: Value,
    pub(crate) text_encoder: Value,
}

impl Size {
    /// The folder in `fixtures/` whose tokenizer the text encoder knows.
    pub(crate) fn tokenizer(self) -> &'static str {
        match self {
            Self::Sd14 => "clip-tokenizer",
            Self::Tiny => "tiny-gligen/tokenizer",
        }
    }

    /// Source: the config files of `masterful/gligen-1-4-generation-text-box`.
    pub(crate) fn configs(self) -> Configs {
        match self {
            Self::Sd14 => Configs {
                unet: unet(64, &[320, 640, 1280, 1280], 768, 8, 32),
                vae: vae(512, &[128, 256, 512, 512], 32),
                text_encoder: text_encoder([49408, 49406, 49407], 768, 12, 12),
            },
            Self::Tiny => Configs {
                unet: unet(8, &[8, 8, 16, 16], 16, 2, 4),
                vae: vae(64, &[8, 8, 8, 8], 4),
                text_encoder: text_encoder([1503, 1501, 1502], 16, 2, 2),
            },
        }
    }
}

fn unet(sample_size: usize, widths: &[usize], context: usize, heads: usize, groups: usize) -> Value {
    json!({
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "attention_head_dim": heads,
        "attention_type": "gated",
        "block_out_channels": widths,
        "center_input_sample": false,
        "cross_attention_dim": context,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "downsample_padding": 1,
        "flip_sin_to_cos": true,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-5,
        "norm_num_groups": groups,
        "out_channels": 4,
        "sample_size": sample_size,
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "use_linear_projection": false,
    })
}

fn vae(sample_size: usize, widths: &[usize], groups: usize) -> Value {
    json!({
        "_class_name": "AutoencoderKL",
        "act_fn": "silu",
        "block_out_channels": widths,
        "down_block_types": vec!["DownEncoderBlock2D"; widths.len()],
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": groups,
        "out_channels": 3,
        "sample_size": sample_size,
        "scaling_factor": 0.18215,
        "up_block_types": vec!["UpDecoderBlock2D"; widths.len()],
    })
}

/// `vocabulary`: number of tokens, start and end.
fn text_encoder(vocabulary: [usize; 3], width: usize, heads: usize, layers: usize) -> Value {
    let [tokens, start, end] = vocabulary;
    json!({
        "architectures": ["CLIPTextModel"],
        "bos_token_id": start,
        "eos_token_id": end,
        "hidden_act": "quick_gelu",
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": 77,
        "model_type": "clip_text_model",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": end,
        "projection_dim": width,
        "vocab_size": tokens,
    })
}

/// `scheduler_config.json` of Stable Diffusion 1.4.
pub(crate) fn scheduler() -> Value {
    json!({
        "_class_name": "PNDMScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": false,
        "skip_prk_steps": true,
        "steps_offset": 1,
        "trained_betas": null,
    })
}

/// `model_index.json`, as diffusers reads it.
pub(crate) fn model_index() -> Value {
    json!({
        "_class_name": "StableDiffusionGLIGENPipeline",
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
