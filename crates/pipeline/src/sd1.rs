//! The texts of a model folder that other layouts leave out, because all Stable Diffusion 1.x models share them:
//! [configs and scheduler](crate::sd1_configs), tokenizer.

use std::io;
use std::path::{Path, PathBuf};

use gligen_weights::{Checkpoint, Grounding, Layout, Part, Weights};
use serde_json::{Map, Value};

use crate::Error;
use crate::sd1_configs::{CONTEXT, WIDTHS, model_index, scheduler, text_encoder, unet, vae};

/// The largest text that is taken over from a folder, in bytes: a tokenizer has a few million.
const MAX_TEXT: u64 = 64 << 20;

macro_rules! tokenizer_file {
    ($name:literal) => {
        (
            concat!("tokenizer/", $name),
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/clip-tokenizer/", $name))
                .as_slice(),
        )
    };
}

/// The tokenizer of CLIP ViT-L/14.
const TOKENIZER: [(&str, &[u8]); 4] = [
    tokenizer_file!("merges.txt"),
    tokenizer_file!("special_tokens_map.json"),
    tokenizer_file!("tokenizer_config.json"),
    tokenizer_file!("vocab.json"),
];

/// The texts of a model folder with the networks of `checkpoint`, by their places in it: its own where it is such a folder,
/// else those of Stable Diffusion 1.x.
///
/// # Errors
///
/// A text that cannot be read, and a UNet of another shape or kind than these texts are for.
pub fn folder_texts(checkpoint: &Checkpoint) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    match checkpoint.layout() {
        Layout::Folder => own_texts(checkpoint),
        _ => shared_texts(checkpoint),
    }
}

/// What a folder has in its files of text, its UNet's config being told of the objects that it can draw by now.
fn own_texts(checkpoint: &Checkpoint) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let root = checkpoint.path();
    let mut texts = Vec::new();
    for folder in [root.to_owned()].into_iter().chain(entries(root)?.into_iter().filter(|path| path.is_dir()))
    {
        for path in entries(&folder)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_text = (name.ends_with(".json") || name.ends_with(".txt")) && !name.contains(".index.");
            if !is_text || !path.is_file() {
                continue;
            }
            let failed = |source| Error::File { path: path.clone(), source };
            if path.metadata().map_err(failed)?.len() > MAX_TEXT {
                return Err(failed(io::Error::other("larger than any config or tokenizer")));
            }
            let mut text = std::fs::read(&path).map_err(failed)?;
            let place = path.strip_prefix(root).unwrap_or(&path).to_owned();
            if place == Path::new("unet/config.json") {
                text = unet_config(checkpoint, &text).map_err(|error| failed(error.into()))?;
            }
            texts.push((place, text));
        }
    }
    Ok(texts)
}

/// `config` with the attention type that the weights have, where it tells another.
fn unet_config(checkpoint: &Checkpoint, config: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let mut value: Map<String, Value> = serde_json::from_slice(config)?;
    let told =
        ["attention_type", "use_gated_attention", "enable_gligen"].iter().any(|key| match value.get(*key) {
            Some(Value::Bool(gated)) => *gated,
            Some(Value::String(kind)) => kind != "default",
            _ => false,
        });
    match attention_type(checkpoint.grounding()) {
        Some(kind) if kind != "default" && !told => {
            value.insert("attention_type".into(), kind.into());
            Ok(pretty(&Value::Object(value)))
        }
        _ => Ok(config.to_vec()),
    }
}

fn shared_texts(checkpoint: &Checkpoint) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let mut configs = Vec::new();
    if let Some(weights) = checkpoint.part(Part::UNet) {
        let refused = |reason| Error::NoConfigs { path: checkpoint.path().into(), reason };
        check_shape(weights).map_err(refused)?;
        let Some(kind) = attention_type(checkpoint.grounding()) else {
            let reason = "its UNet takes joints or maps, for which diffusers has no config";
            return Err(refused(reason.into()));
        };
        configs.push(("unet", unet(checkpoint.in_channels().unwrap_or(4), kind)));
    }
    if checkpoint.part(Part::Vae).is_some() {
        configs.push(("vae", vae()));
    }
    if checkpoint.part(Part::TextEncoder).is_some() {
        configs.push(("text_encoder", text_encoder()));
    }
    let mut texts: Vec<_> =
        configs.iter().map(|(part, config)| (Path::new(part).join("config.json"), pretty(config))).collect();
    // With all three, it is a model.
    if configs.len() == 3 {
        texts.push(("model_index.json".into(), pretty(&model_index(checkpoint.grounding()))));
        texts.push(("scheduler/scheduler_config.json".into(), pretty(&scheduler())));
        texts.extend(TOKENIZER.iter().map(|(place, text)| (place.into(), text.to_vec())));
    }
    Ok(texts)
}

/// Refuses a UNet that is not as wide as all of Stable Diffusion 1.x: how many heads it has, nothing would tell.
fn check_shape(unet: &Weights) -> Result<(), String> {
    let length = |key: &str, axis: usize| {
        let (_, info) = unet.tensors().find(|(found, _)| *found == key)?;
        info.shape.get(axis).copied()
    };
    let width = |level| length(&format!("down_blocks.{level}.resnets.0.conv1.weight"), 0);
    let context = length("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1);
    let widths: Vec<_> = (0..).map_while(width).collect();
    if widths == WIDTHS && context == Some(CONTEXT) {
        return Ok(());
    }
    let found = context.map_or("none".into(), |context| context.to_string());
    Err(format!(
        "its UNet is not that of Stable Diffusion 1.x: expected the widths {WIDTHS:?} and states of {CONTEXT}, found \
         {widths:?} and {found}"
    ))
}

/// What diffusers calls it, if it has a name for it.
fn attention_type(grounding: Grounding) -> Option<&'static str> {
    match grounding {
        Grounding::None => Some("default"),
        Grounding::TextBox => Some("gated"),
        Grounding::TextImageBox => Some("gated-text-image"),
        Grounding::Keypoints | Grounding::SpatialMap => None,
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::File { path: folder.into(), source };
    let entries = folder.read_dir().map_err(failed)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}
