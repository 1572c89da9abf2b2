//! The text encoder's `config.json`, as it is published.

use gligen_nn::Activation;
use gligen_weights::{ConfigError, ConfigKeys};
use serde_json::{Value, json};

use crate::Error;

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
        let keys = ConfigKeys::parse("config.json of the text encoder", json)?;
        keys.refuse_unless("model_type", &json!("clip_text_model"))?;
        // Padding is not masked in Stable Diffusion 1.x.
        keys.refuse_unless("use_attention_mask", &json!(false))?;
        keys.refuse_unless("pruned_heads", &json!({}))?;
        keys.refuse_unless("quantization_config", &Value::Null)?;
        let config = Self {
            vocab_size: keys.size("vocab_size", 49408)?,
            hidden_size: keys.size("hidden_size", 512)?,
            intermediate_size: keys.size("intermediate_size", 2048)?,
            num_hidden_layers: keys.size("num_hidden_layers", 12)?,
            num_attention_heads: keys.size("num_attention_heads", 8)?,
            max_position_embeddings: keys.size("max_position_embeddings", 77)?,
            hidden_act: keys.choice(
                "hidden_act",
                Activation::QuickGelu,
                &[("quick_gelu", Activation::QuickGelu), ("gelu", Activation::Gelu)],
            )?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-5, "a number from 0 to 1", |epsilon| {
                (0.0..1.0).contains(&epsilon)
            })?,
            eos_token_id: end_token(&keys)?,
        };
        let heads = config.num_attention_heads;
        if !config.hidden_size.is_multiple_of(heads) {
            let expected = format!("a divisor of hidden_size {}", config.hidden_size);
            return Err(keys.unfit("num_attention_heads", expected, heads).into());
        }
        Ok(config)
    }
}

fn end_token(keys: &ConfigKeys) -> Result<EndToken, ConfigError> {
    let id = match keys.get_or_null("eos_token_id") {
        None => 49407,
        Some(value) => {
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| keys.wrong("eos_token_id", "the number of a token"))?
        }
    };
    Ok(if id == MISNAMED_END { EndToken::Largest } else { EndToken::Id(id) })
}
