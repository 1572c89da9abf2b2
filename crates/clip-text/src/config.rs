//! The text encoder's `config.json`, as it is published.

use gligen_nn::Activation;
use serde_json::{Map, Value};

use crate::Error;
use crate::special_tokens::parse;

/// The end token's number in configs of a time when it was misnamed.
const MISNAMED_END: u32 = 2;

/// How the state of a text's end is found among its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndToken {
    /// At the first of the largest numbers: the end token has the largest one of CLIP's vocabulary. The rule for
    /// configs with `eos_token_id: 2`, Stable Diffusion's among them, although their end token is 49407.
    Largest,
    /// At the first token with this number.
    Id(u32),
}

/// The shape of a CLIP text transformer.
///
/// Fields are named as in `config.json`. A missing key has transformers' default.
///
/// These keys, and none else, decide the numbers, so any other key is accepted unread: `architectures`, `dtype`,
/// `torch_dtype` and `transformers_version` describe the file; `attention_dropout`, `dropout`, `initializer_factor` and
/// `initializer_range` matter in training alone; `bos_token_id` and `pad_token_id` are the tokenizer's concern;
/// `projection_dim` belongs to a layer that Stable Diffusion leaves out; the rest of a long config are settings of text
/// generation. `use_attention_mask`, `pruned_heads` and `quantization_config` would change the numbers, and are refused
/// unless they are off.
///
/// Source: transformers `models/clip/configuration_clip.py`, `CLIPTextConfig`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClipTextConfig {
    /// Number of tokens.
    pub vocab_size: usize,
    /// Channels of a state.
    pub hidden_size: usize,
    /// Channels between the two maps of each MLP.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of the attention, a divisor of `hidden_size`.
    pub num_attention_heads: usize,
    /// Longest text in tokens.
    pub max_position_embeddings: usize,
    /// `quick_gelu` or `gelu`.
    pub hidden_act: Activation,
    /// Epsilon of all layer norms.
    pub layer_norm_eps: f64,
    /// Which token's state stands for the whole text.
    pub eos_token_id: EndToken,
}

impl ClipTextConfig {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, of another kind of model, or a value is out of range.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let keys: Map<String, Value> = parse("config.json of the text encoder", json)?;
        refuse(&keys)?;
        let config = Self {
            vocab_size: size(&keys, "vocab_size", 49408)?,
            hidden_size: size(&keys, "hidden_size", 512)?,
            intermediate_size: size(&keys, "intermediate_size", 2048)?,
            num_hidden_layers: size(&keys, "num_hidden_layers", 12)?,
            num_attention_heads: size(&keys, "num_attention_heads", 8)?,
            max_position_embeddings: size(&keys, "max_position_embeddings", 77)?,
            hidden_act: activation(&keys)?,
            layer_norm_eps: epsilon(&keys)?,
            eos_token_id: end_token(&keys)?,
        };
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(Error::Config {
                key: "num_attention_heads",
                expected: format!("a divisor of hidden_size {}", config.hidden_size),
                found: config.num_attention_heads.to_string(),
            });
        }
        Ok(config)
    }
}

/// Values that ask for other numbers than this crate computes.
fn refuse(keys: &Map<String, Value>) -> Result<(), Error> {
    let wrong = |key, expected: &str| {
        Err(Error::Config { key, expected: expected.into(), found: keys[key].to_string() })
    };
    match keys.get("model_type").map(Value::as_str) {
        None | Some(Some("clip_text_model")) => {}
        _ => return wrong("model_type", "\"clip_text_model\""),
    }
    match keys.get("use_attention_mask") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        _ => return wrong("use_attention_mask", "false (padding is not masked in Stable Diffusion 1.x)"),
    }
    match keys.get("pruned_heads") {
        None | Some(Value::Null) => {}
        Some(Value::Object(heads)) if heads.is_empty() => {}
        _ => return wrong("pruned_heads", "{}"),
    }
    match keys.get("quantization_config") {
        None | Some(Value::Null) => Ok(()),
        _ => wrong("quantization_config", "none"),
    }
}

/// A whole number from 1 on; the bound keeps products of two sizes from overflowing.
fn size(keys: &Map<String, Value>, key: &'static str, default: usize) -> Result<usize, Error> {
    const LARGEST: u64 = 1 << 24;
    match keys.get(key) {
        None => Ok(default),
        Some(value) => match value.as_u64() {
            Some(n @ 1..=LARGEST) => Ok(n as usize),
            _ => Err(Error::Config {
                key,
                expected: format!("a whole number from 1 to {LARGEST}"),
                found: value.to_string(),
            }),
        },
    }
}

fn activation(keys: &Map<String, Value>) -> Result<Activation, Error> {
    match keys.get("hidden_act") {
        None => Ok(Activation::QuickGelu),
        Some(value) => match value.as_str() {
            Some("quick_gelu") => Ok(Activation::QuickGelu),
            Some("gelu") => Ok(Activation::Gelu),
            _ => Err(Error::Config {
                key: "hidden_act",
                expected: "\"quick_gelu\" or \"gelu\"".into(),
                found: value.to_string(),
            }),
        },
    }
}

fn epsilon(keys: &Map<String, Value>) -> Result<f64, Error> {
    match keys.get("layer_norm_eps") {
        None => Ok(1e-5),
        Some(value) => value.as_f64().filter(|eps| (0.0..1.0).contains(eps)).ok_or_else(|| Error::Config {
            key: "layer_norm_eps",
            expected: "a number from 0 to 1".into(),
            found: value.to_string(),
        }),
    }
}

fn end_token(keys: &Map<String, Value>) -> Result<EndToken, Error> {
    let id = match keys.get("eos_token_id") {
        None => 49407,
        Some(value) => value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| Error::Config {
            key: "eos_token_id",
            expected: "the number of a token".into(),
            found: value.to_string(),
        })?,
    };
    Ok(if id == MISNAMED_END { EndToken::Largest } else { EndToken::Id(id) })
}
