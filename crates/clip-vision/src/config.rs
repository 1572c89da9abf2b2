//! The configurations of image encoder and safety checker, as they are published.

use std::path::Path;

use gligen_nn::Activation;
use gligen_weights::{ConfigError, ConfigKeys};
use serde_json::{Value, json};

use crate::Error;

/// The shape of a CLIP vision transformer.
///
/// Fields are named as in `config.json`. A missing key has transformers' default.
///
/// These keys, and none else, decide the numbers, so any other key is accepted unread: some describe the file, some
/// matter in training alone, the rest of a long config are settings of text generation. `pruned_heads` and
/// `quantization_config` would change the numbers, and are refused unless they are off.
///
/// Source: transformers `models/clip/configuration_clip.py`, `CLIPVisionConfig`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClipVisionConfig {
    /// Channels of a state.
    pub hidden_size: usize,
    /// Channels between the two maps of each MLP.
    pub intermediate_size: usize,
    /// Channels of the projected state.
    pub projection_dim: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of the attention, a divisor of `hidden_size`.
    pub num_attention_heads: usize,
    /// Width and height of a picture in pixels.
    pub image_size: usize,
    /// Width and height in pixels of a patch, which becomes one token. Pixels that do not fill a patch are left out.
    pub patch_size: usize,
    /// `quick_gelu` or `gelu`.
    pub hidden_act: Activation,
    /// Epsilon of all layer norms.
    pub layer_norm_eps: f64,
}

impl ClipVisionConfig {
    /// Reads the text of an image encoder's `config.json`: that of a vision transformer, or that of a whole CLIP with a
    /// `vision_config` in it.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, of another kind of model, or a value is out of range.
    pub fn parse_image_encoder(text: &str) -> Result<Self, Error> {
        let keys = ConfigKeys::parse("config.json of the image encoder", text)?;
        match vision_part(&keys)? {
            Some(vision) => Ok(Self::from_keys(&vision)?),
            None => Ok(Self::from_keys(&keys)?),
        }
    }

    /// Reads the text of a safety checker's `config.json`, that of a whole CLIP, of which `vision_config` and the
    /// whole's `projection_dim` count.
    ///
    /// # Errors
    ///
    /// As [`ClipVisionConfig::parse_image_encoder`].
    pub fn parse_safety_checker(text: &str) -> Result<Self, Error> {
        let keys = ConfigKeys::parse("config.json of the safety checker", text)?;
        let vision = vision_part(&keys)?.ok_or_else(|| keys.wrong("vision_config", "an object"))?;
        // Published ones have 768 here, while the part, written by a version that filled in its default, may say 512.
        Ok(Self { projection_dim: keys.size("projection_dim", 512)?, ..Self::from_keys(&vision)? })
    }

    fn from_keys(keys: &ConfigKeys) -> Result<Self, ConfigError> {
        keys.refuse_unless("model_type", &json!("clip_vision_model"))?;
        keys.refuse_unless("pruned_heads", &json!({}))?;
        keys.refuse_unless("quantization_config", &Value::Null)?;
        keys.refuse_unless("num_channels", &json!(3))?;
        let config = Self {
            hidden_size: keys.size("hidden_size", 768)?,
            intermediate_size: keys.size("intermediate_size", 3072)?,
            projection_dim: keys.size("projection_dim", 512)?,
            num_hidden_layers: keys.size("num_hidden_layers", 12)?,
            num_attention_heads: keys.size("num_attention_heads", 12)?,
            image_size: keys.side("image_size", 224)?,
            patch_size: keys.side("patch_size", 32)?,
            hidden_act: keys.choice(
                "hidden_act",
                Activation::QuickGelu,
                &[("quick_gelu", Activation::QuickGelu), ("gelu", Activation::Gelu)],
            )?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-5, "a number from 0 to 1", |epsilon| {
                (0.0..1.0).contains(&epsilon)
            })?,
        };
        let (heads, side) = (config.num_attention_heads, config.patch_size);
        if !config.hidden_size.is_multiple_of(heads) {
            let expected = format!("a divisor of hidden_size {}", config.hidden_size);
            return Err(keys.unfit("num_attention_heads", expected, heads));
        }
        if side > config.image_size {
            let expected = format!("at most image_size {}", config.image_size);
            return Err(keys.unfit("patch_size", expected, side));
        }
        Ok(config)
    }

    /// Patches on a side of a picture.
    pub(crate) fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }
}

/// The vision transformer's part of a whole CLIP's configuration; `None` of a vision transformer's own.
///
/// The first published ones have it twice, and then `vision_config_dict` counts alone, its gaps filled with defaults.
///
/// Source: transformers `models/clip/configuration_clip.py`, `CLIPConfig`.
fn vision_part(keys: &ConfigKeys) -> Result<Option<ConfigKeys>, ConfigError> {
    let parts = [keys.object("vision_config_dict")?, keys.object("vision_config")?];
    let part = parts.into_iter().flatten().next();
    if part.is_some() {
        keys.refuse_unless("model_type", &json!("clip"))?;
        keys.refuse_unless("quantization_config", &Value::Null)?;
    }
    Ok(part)
}

/// The text of `config.json` in `folder`.
pub(crate) fn read_config(folder: &Path) -> Result<String, Error> {
    let path = folder.join("config.json");
    std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
}
