//! `unet/config.json` as it is published.

use burn::tensor::Device;
use gligen_weights::{ConfigError, check_rest, parse_config};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{UNet, UNetError};

/// What errors call the file.
const FILE: &str = "unet/config.json";

/// How a UNet takes objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionType {
    /// Not at all: plain Stable Diffusion.
    Default,
    /// A phrase for each box.
    Gated,
    /// A phrase, a picture or both for each box.
    GatedTextImage,
}

/// The kinds of blocks that Stable Diffusion 1.x is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum BlockType {
    /// ResNet and transformer blocks, going down.
    CrossAttnDownBlock2D,
    /// ResNet blocks, going down.
    DownBlock2D,
    /// ResNet and transformer blocks, going up.
    CrossAttnUpBlock2D,
    /// ResNet blocks, going up.
    UpBlock2D,
}

impl BlockType {
    /// Whether each ResNet block is followed by a transformer.
    pub fn has_attention(self) -> bool {
        matches!(self, Self::CrossAttnDownBlock2D | Self::CrossAttnUpBlock2D)
    }

    fn is_up(self) -> bool {
        matches!(self, Self::CrossAttnUpBlock2D | Self::UpBlock2D)
    }
}

/// One number for all levels, or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum PerLevel {
    /// For all levels.
    One(usize),
    /// From the top level down.
    Each(Vec<usize>),
}

/// A UNet's configuration; what a file leaves out has the original's default.
///
/// Source: diffusers `models/unets/unet_2d_condition.py`. Keys that only other models use must have the value that
/// leaves them out; anything else is refused by name rather than ignored.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct UNetConfig {
    /// Height and width of the latents that the model was trained on.
    pub sample_size: usize,
    /// Channels of the input: 4, or 9 with inpainting.
    pub in_channels: usize,
    /// Channels of the prediction.
    pub out_channels: usize,
    /// Blocks from the top level down.
    pub down_block_types: Vec<BlockType>,
    /// Blocks from the bottom level up.
    pub up_block_types: Vec<BlockType>,
    /// Channels of each level.
    pub block_out_channels: Vec<usize>,
    /// ResNet blocks of a down block; an up block has one more.
    pub layers_per_block: usize,
    /// Transformer blocks in each place that has attention.
    pub transformer_layers_per_block: usize,
    /// Channels of the caption's states.
    pub cross_attention_dim: usize,
    /// The number of heads, not their width: the published name is a mistake that can no longer be mended.
    pub attention_head_dim: PerLevel,
    /// The number of heads by its right name, where a file gives it.
    pub num_attention_heads: Option<PerLevel>,
    /// How objects come in.
    pub attention_type: AttentionType,
    /// Whether a transformer's projections are linear maps (Stable Diffusion 2) or 1×1 convolutions.
    pub use_linear_projection: bool,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// Epsilon of the ResNet blocks' norms; that of the transformers is 1e-6.
    pub norm_eps: f64,
    /// Whether cosines come first in the timestep's features.
    pub flip_sin_to_cos: bool,
    /// Shift of the timestep's lowest frequency.
    pub freq_shift: f64,
    /// All other keys of the file.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Default for UNetConfig {
    fn default() -> Self {
        use BlockType::{CrossAttnDownBlock2D, CrossAttnUpBlock2D, DownBlock2D, UpBlock2D};
        Self {
            sample_size: 64,
            in_channels: 4,
            out_channels: 4,
            down_block_types: vec![
                CrossAttnDownBlock2D,
                CrossAttnDownBlock2D,
                CrossAttnDownBlock2D,
                DownBlock2D,
            ],
            up_block_types: vec![UpBlock2D, CrossAttnUpBlock2D, CrossAttnUpBlock2D, CrossAttnUpBlock2D],
            block_out_channels: vec![320, 640, 1280, 1280],
            layers_per_block: 2,
            transformer_layers_per_block: 1,
            cross_attention_dim: 1280,
            attention_head_dim: PerLevel::One(8),
            num_attention_heads: None,
            attention_type: AttentionType::Default,
            use_linear_projection: false,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            rest: Map::new(),
        }
    }
}

/// Keys of other models, each with the values that leave it out; no values: it changes nothing here.
const NEUTRAL: &[(&str, &[&str])] = &[
    ("act_fn", &["\"silu\""]),
    ("addition_embed_type", &["null"]),
    ("addition_embed_type_num_heads", &[]),
    ("addition_time_embed_dim", &[]),
    ("center_input_sample", &["false"]),
    ("class_embed_type", &["null"]),
    ("class_embeddings_concat", &[]),
    ("conv_in_kernel", &["3"]),
    ("conv_out_kernel", &["3"]),
    ("cross_attention_norm", &["null"]),
    ("downsample_padding", &["1"]),
    ("dropout", &[]),
    ("dual_cross_attention", &["false"]),
    ("encoder_hid_dim", &["null"]),
    ("encoder_hid_dim_type", &["null"]),
    ("mid_block_only_cross_attention", &["null", "false"]),
    ("mid_block_scale_factor", &["1", "1.0"]),
    ("mid_block_type", &["\"UNetMidBlock2DCrossAttn\""]),
    ("num_class_embeds", &["null"]),
    ("only_cross_attention", &["false"]),
    ("projection_class_embeddings_input_dim", &[]),
    ("resnet_out_scale_factor", &["1", "1.0"]),
    ("resnet_skip_time_act", &["false"]),
    ("resnet_time_scale_shift", &["\"default\""]),
    ("reverse_transformer_layers_per_block", &["null"]),
    ("time_cond_proj_dim", &["null"]),
    ("time_embedding_act_fn", &["null"]),
    ("time_embedding_dim", &["null"]),
    ("time_embedding_type", &["\"positional\""]),
    ("timestep_post_act", &["null"]),
    ("upcast_attention", &[]), // attention is f32 on a CPU in any case
];

/// Older names of `attention_type: gated`.
const GATED_ALIASES: [&str; 2] = ["use_gated_attention", "enable_gligen"];

impl UNetConfig {
    /// Reads the text of a `config.json`, and refuses what this UNet does not have.
    pub fn from_json(text: &str) -> Result<Self, UNetError> {
        let mut config: Self = parse_config(FILE, text)?;
        config.take_aliases()?;
        config.check()?;
        Ok(config)
    }

    /// A network of this shape, whose parameters wait for a checkpoint.
    pub fn init(&self, device: &Device) -> UNet {
        UNet::new(self, device)
    }

    /// Heads of each level, from the top level down.
    pub(crate) fn heads(&self) -> Vec<usize> {
        match self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim) {
            PerLevel::One(heads) => vec![*heads; self.block_out_channels.len()],
            PerLevel::Each(heads) => heads.clone(),
        }
    }

    /// Width of the time embedding.
    pub(crate) fn time_width(&self) -> usize {
        4 * self.block_out_channels[0]
    }

    fn take_aliases(&mut self) -> Result<(), ConfigError> {
        for key in GATED_ALIASES {
            match self.rest.remove(key) {
                Some(Value::Bool(true)) => self.attention_type = AttentionType::Gated,
                None | Some(Value::Bool(false) | Value::Null) => {}
                Some(other) => return Err(unsupported(key, other, "true or false")),
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_rest(FILE, &self.rest, NEUTRAL)?;
        let levels = self.block_out_channels.len();
        if levels == 0 {
            return Err(unsupported("block_out_channels", "[]", "one number or more"));
        }
        let blocks = [("down_block_types", &self.down_block_types), ("up_block_types", &self.up_block_types)];
        for (key, types) in blocks {
            if types.len() != levels {
                let found = format!("a list of {}", types.len());
                return Err(unsupported(key, found, format!("{levels} blocks, as block_out_channels has")));
            }
            if let Some(wrong) = types.iter().find(|t| t.is_up() != (key == "up_block_types")) {
                return Err(unsupported(key, format!("{wrong:?}"), "a block of that direction"));
            }
        }
        let heads = self.heads();
        if heads.len() != levels {
            return Err(unsupported("attention_head_dim", format!("{heads:?}"), format!("{levels} numbers")));
        }
        let sizes = [
            ("sample_size", self.sample_size),
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("layers_per_block", self.layers_per_block),
            ("transformer_layers_per_block", self.transformer_layers_per_block),
            ("cross_attention_dim", self.cross_attention_dim),
            ("norm_num_groups", self.norm_num_groups),
        ];
        for (key, size) in sizes {
            if !(1..=1 << 16).contains(&size) {
                return Err(unsupported(key, size, "1 to 65536"));
            }
        }
        for (&channels, &heads) in self.block_out_channels.iter().zip(&heads) {
            if channels == 0 || channels > 1 << 16 || channels % self.norm_num_groups != 0 {
                let supported = format!("a multiple of norm_num_groups ({})", self.norm_num_groups);
                return Err(unsupported("block_out_channels", channels, supported));
            }
            if heads == 0 || channels % heads != 0 {
                return Err(unsupported(
                    "attention_head_dim",
                    heads,
                    format!("a divisor of {channels} channels"),
                ));
            }
        }
        Ok(())
    }
}

fn unsupported(key: &str, found: impl ToString, supported: impl Into<String>) -> ConfigError {
    ConfigError::value(FILE, key, supported, found)
}
