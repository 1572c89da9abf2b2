//! `vae/config.json` as it is published.

use burn::tensor::Device;
use gligen_weights::{ConfigError, check_rest, parse_config};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AutoencoderKl, VaeError};

/// What errors call the file.
const FILE: &str = "vae/config.json";
/// The one kind of block that Stable Diffusion's encoder is made of.
const DOWN_BLOCK: &str = "DownEncoderBlock2D";
/// The one kind of block that Stable Diffusion's decoder is made of.
const UP_BLOCK: &str = "UpDecoderBlock2D";
/// The largest size that is taken seriously; also keeps products of sizes far from overflow.
const MAX_SIZE: usize = 1 << 16;
/// Levels beyond which a latent would stand for more pixels than [`MAX_SIZE`].
const MAX_LEVELS: usize = 17;

/// An autoencoder's configuration; what a file leaves out has the original's default.
///
/// Source: diffusers `models/autoencoders/autoencoder_kl.py`, `AutoencoderKL`. Keys that only other models use must
/// have the value that leaves them out; anything else is refused by name rather than ignored.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct AutoencoderKlConfig {
    /// Channels of the pictures: 3.
    pub in_channels: usize,
    /// Channels of the decoded pictures: 3.
    pub out_channels: usize,
    /// Blocks of the encoder, from the top level down; `DownEncoderBlock2D`, all of them.
    pub down_block_types: Vec<String>,
    /// Blocks of the decoder, from the bottom level up; `UpDecoderBlock2D`, all of them.
    pub up_block_types: Vec<String>,
    /// Channels of each level. Each level but the last halves the sides.
    pub block_out_channels: Vec<usize>,
    /// ResNet blocks of a level of the encoder; one of the decoder has one more.
    pub layers_per_block: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Groups of every group norm; their epsilon is 1e-6.
    pub norm_num_groups: usize,
    /// Height and width of the pictures that it was trained on.
    pub sample_size: usize,
    /// Factor that gives the latents about unit variance; configs older than it mean 0.18215.
    pub scaling_factor: f64,
    /// Whether a 1×1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether a 1×1 convolution precedes the decoder.
    pub use_post_quant_conv: bool,
    /// All other keys of the file.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Default for AutoencoderKlConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            down_block_types: vec![DOWN_BLOCK.into()],
            up_block_types: vec![UP_BLOCK.into()],
            block_out_channels: vec![64],
            layers_per_block: 1,
            latent_channels: 4,
            norm_num_groups: 32,
            sample_size: 32,
            scaling_factor: 0.18215,
            use_quant_conv: true,
            use_post_quant_conv: true,
            rest: Map::new(),
        }
    }
}

/// Keys of other models, each with the values that leave it out; no values: it changes nothing here.
const NEUTRAL: &[(&str, &[&str])] = &[
    ("act_fn", &["\"silu\""]),
    ("force_upcast", &[]), // the arithmetic is f32 in any case
    ("latents_mean", &["null"]),
    ("latents_std", &["null"]),
    ("mid_block_add_attention", &["true"]),
    ("shift_factor", &["null", "0", "0.0"]),
];

impl AutoencoderKlConfig {
    /// Reads the text of a `config.json`, and refuses what this autoencoder does not have.
    pub fn from_json(text: &str) -> Result<Self, VaeError> {
        let config: Self = parse_config(FILE, text)?;
        config.check()?;
        Ok(config)
    }

    /// A network of this shape, whose parameters wait for a checkpoint.
    pub fn init(&self, device: &Device) -> AutoencoderKl {
        AutoencoderKl::new(self, device)
    }

    /// Pixels on a side of the square that one latent stands for.
    pub fn downscale(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_rest(FILE, &self.rest, NEUTRAL)?;
        self.check_blocks()?;
        for (key, channels) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            if channels != 3 {
                return Err(unsupported(key, channels, "3"));
            }
        }
        let sizes = [
            ("layers_per_block", self.layers_per_block),
            ("latent_channels", self.latent_channels),
            ("norm_num_groups", self.norm_num_groups),
            ("sample_size", self.sample_size),
        ];
        for (key, size) in sizes {
            if !(1..=MAX_SIZE).contains(&size) {
                return Err(unsupported(key, size, format!("1 to {MAX_SIZE}")));
            }
        }
        for &channels in &self.block_out_channels {
            if channels == 0 || channels > MAX_SIZE || channels % self.norm_num_groups != 0 {
                let supported = format!("a multiple of norm_num_groups ({})", self.norm_num_groups);
                return Err(unsupported("block_out_channels", channels, supported));
            }
        }
        if !(self.scaling_factor > 0.0 && self.scaling_factor.is_finite()) {
            return Err(unsupported("scaling_factor", self.scaling_factor, "a positive number"));
        }
        Ok(())
    }

    fn check_blocks(&self) -> Result<(), ConfigError> {
        let levels = self.block_out_channels.len();
        if !(1..=MAX_LEVELS).contains(&levels) {
            let found = format!("a list of {levels}");
            return Err(unsupported("block_out_channels", found, format!("1 to {MAX_LEVELS} numbers")));
        }
        let blocks = [
            ("down_block_types", &self.down_block_types, DOWN_BLOCK),
            ("up_block_types", &self.up_block_types, UP_BLOCK),
        ];
        for (key, types, supported) in blocks {
            if types.len() != levels {
                let found = format!("a list of {}", types.len());
                return Err(unsupported(key, found, format!("{levels} blocks, as block_out_channels has")));
            }
            if let Some(other) = types.iter().find(|found| *found != supported) {
                return Err(unsupported(key, other, supported));
            }
        }
        Ok(())
    }
}

fn unsupported(key: &str, found: impl ToString, supported: impl Into<String>) -> ConfigError {
    ConfigError::value(FILE, key, supported, found)
}
