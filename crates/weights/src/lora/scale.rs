//! How much a product counts: alpha, from wherever a layout keeps it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::keys::normalised;
use crate::entry::Entry;
use crate::{Dtype, Part, header};

/// Under this name diffusers keeps peft's configuration in the header of a safetensors file.
const IN_HEADER: &str = "lora_adapter_metadata";

/// The name of the file beside the weights in which peft keeps it.
const BESIDE: &str = "adapter_config.json";

/// What else peft can do under the name of LoRA; each adds something else to the weights.
const NOT_SUPPORTED: [&str; 6] =
    ["use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora", "alora_invocation_tokens"];

/// The longest configuration that is read, in bytes.
const MAX_CONFIG: u64 = 16 << 20;

/// Peft's configuration of a network.
#[derive(Debug)]
struct Config {
    alpha: f64,
    /// For layers whose name ends so.
    alphas: Vec<(String, f64)>,
    /// Whether the root of the rank divides, not the rank.
    root: bool,
}

/// What the configurations of a file say.
#[derive(Debug, Default)]
pub(super) struct Scales {
    unet: Option<Config>,
    text_encoder: Option<Config>,
}

impl Scales {
    /// Reads what is written in the file at `path`, or beside it. `by_itself`: whether peft has written it, so that
    /// there must be something.
    pub(super) fn read(path: &Path, by_itself: bool) -> Result<Self, String> {
        if let Some(text) = in_header(path).map_err(|error| error.to_string())? {
            let json: BTreeMap<String, Value> =
                serde_json::from_str(&text).map_err(|error| format!("`{IN_HEADER}`: {error}"))?;
            let config = |prefix: &str| {
                let own = json.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)));
                let own: BTreeMap<&str, &Value> = own.collect();
                if own.is_empty() { Ok(None) } else { config(&own).map(Some) }
            };
            return Ok(Self { unet: config("unet.")?, text_encoder: config("text_encoder.")? });
        }
        if !by_itself {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path.with_file_name(BESIDE))
            .map_err(|error| format!("its scale is in `{BESIDE}` beside it: {error}"))?;
        let json: BTreeMap<&str, Value> =
            serde_json::from_str(&text).map_err(|error| format!("`{BESIDE}`: {error}"))?;
        let json: BTreeMap<&str, &Value> = json.iter().map(|(key, value)| (*key, value)).collect();
        Ok(Self { unet: Some(config(&json)?), text_encoder: Some(config(&json)?) })
    }

    /// What the product for `layer` counts; `alpha`: the number that the file has for it, if it has one.
    pub(super) fn of(&self, part: Part, layer: &str, alpha: Option<f64>, rank: usize) -> f64 {
        let config = if part == Part::UNet { &self.unet } else { &self.text_encoder };
        let rank = rank as f64;
        match (alpha, config) {
            (Some(alpha), _) => alpha / rank,
            (None, Some(config)) => config.alpha_of(layer) / if config.root { rank.sqrt() } else { rank },
            (None, None) => 1.0,
        }
    }
}

impl Config {
    fn alpha_of(&self, layer: &str) -> f64 {
        let ends =
            |name: &str| layer.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
        self.alphas.iter().find(|(name, _)| ends(name)).map_or(self.alpha, |(_, alpha)| *alpha)
    }
}

/// The number that `entry` is, if it is one. Some write alpha as an integer.
pub(super) fn number(entry: &Entry) -> Option<f64> {
    if entry.info.shape.iter().product::<usize>() != 1 {
        return None;
    }
    match entry.info.dtype {
        Dtype::I64 => Some(i64::from_le_bytes(entry.read().ok()?.as_ref().try_into().ok()?) as f64),
        Dtype::I32 => Some(i32::from_le_bytes(entry.read().ok()?.as_ref().try_into().ok()?).into()),
        _ => Some(entry.numbers().ok()?.first().copied()?.into()),
    }
}

fn config(json: &BTreeMap<&str, &Value>) -> Result<Config, String> {
    let is_on =
        |key: &str| json.get(key).is_some_and(|value| !value.is_null() && value.as_bool() != Some(false));
    if let Some(key) = NOT_SUPPORTED.into_iter().find(|key| is_on(key)) {
        return Err(format!("`{key}` is not supported"));
    }
    if let Some(kind) = json.get("peft_type").filter(|kind| kind.as_str() != Some("LORA")) {
        return Err(format!("`peft_type`: expected \"LORA\", found {kind}"));
    }
    let number = |value: &Value, key: &str| {
        value.as_f64().ok_or_else(|| format!("`{key}`: expected a number, found {value}"))
    };
    let alpha = json.get("lora_alpha").ok_or("expected `lora_alpha`, found none")?;
    let mut alphas = Vec::new();
    for (name, value) in json.get("alpha_pattern").and_then(|value| value.as_object()).into_iter().flatten() {
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')) {
            return Err(format!("`alpha_pattern`: expected names of layers, found `{name}`"));
        }
        alphas.push((normalised(name), number(value, "alpha_pattern")?));
    }
    Ok(Config { alpha: number(alpha, "lora_alpha")?, alphas, root: is_on("use_rslora") })
}

/// The text [`IN_HEADER`] of the file at `path`, if it is a safetensors file and has one.
fn in_header(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let mut start = [0; 9];
    if file.read_exact(&mut start).is_err() || !header::is_safetensors(&start) {
        return Ok(None);
    }
    let [.., brace] = start;
    let length = start[..8].iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let mut json = vec![brace];
    file.take((length - 1).min(MAX_CONFIG)).read_to_end(&mut json)?;
    let json: Value = serde_json::from_slice(&json)?;
    Ok(json["__metadata__"][IN_HEADER].as_str().map(str::to_owned))
}
