//! Two names for one thing: what the original repositories call the modules of a network, and what diffusers calls them.
//!
//! A table has a row for each module whose name differs, and is read both ways. Below a module, names are the same.
//! Rows depend on how many blocks a network has, which its own keys tell.

mod text_encoder;
mod unet;
mod vae;

use std::collections::BTreeMap;

pub(crate) use text_encoder::text_encoder;
pub(crate) use unet::unet;
pub(crate) use vae::{is_squeezed, vae};

/// Blocks in a row that are read. Published networks have 4 levels of 2 or 3; a key may claim any number.
const MAX_BLOCKS: usize = 16;

/// The names of a network's modules in the original repositories and in diffusers.
///
/// ```
/// use gligen_weights::Names;
///
/// let names = Names::unet(["input_blocks.3.0.op.weight", "output_blocks.2.1.conv.weight"]);
/// let (ours, theirs) = ("down_blocks.0.resnets.1.norm1.weight", "input_blocks.2.0.in_layers.0.weight");
/// assert_eq!(names.to_diffusers(theirs).as_deref(), Some(ours));
/// assert_eq!(names.to_original(ours).as_deref(), Some(theirs));
/// assert_eq!(names.to_diffusers("lora_unet_mid.alpha"), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Names {
    to_diffusers: BTreeMap<String, String>,
    to_original: BTreeMap<String, String>,
}

impl Names {
    /// Of a UNet with the blocks that `keys`, in either naming, speak of; with fusers and position net.
    pub fn unet<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        unet(keys)
    }

    /// Of an autoencoder with the blocks that `keys`, in either naming, speak of.
    pub fn vae<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        vae(keys)
    }

    /// Of CLIP's text transformer.
    pub fn text_encoder() -> Self {
        text_encoder()
    }

    /// The key of diffusers for `key` of the original; `None` if there is no such module.
    pub fn to_diffusers(&self, key: &str) -> Option<String> {
        translate(&self.to_diffusers, key)
    }

    /// The key of the original for `key` of diffusers; `None` if there is no such module.
    pub fn to_original(&self, key: &str) -> Option<String> {
        translate(&self.to_original, key)
    }

    /// All rows, original and diffusers, sorted by the former.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.to_diffusers.iter().map(|(original, diffusers)| (original.as_str(), diffusers.as_str()))
    }

    /// Adds a row that is only read: a second name in the original.
    fn also(&mut self, original: impl Into<String>, diffusers: impl Into<String>) {
        self.to_diffusers.insert(original.into(), diffusers.into());
    }

    /// Adds a row.
    fn add(&mut self, original: impl Into<String>, diffusers: impl Into<String>) {
        let (original, diffusers) = (original.into(), diffusers.into());
        self.to_original.insert(diffusers.clone(), original.clone());
        self.to_diffusers.insert(original, diffusers);
    }
}

/// `key` with the longest run of its first segments that `table` has replaced.
fn translate(table: &BTreeMap<String, String>, key: &str) -> Option<String> {
    let mut module = key;
    loop {
        if let Some(translated) = table.get(module) {
            return Some(format!("{translated}{}", &key[module.len()..]));
        }
        module = &module[..module.rfind('.')?];
    }
}

/// The number after `prefix` in `key`, and what follows it and its dot.
fn numbered<'a>(key: &'a str, prefix: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = key.strip_prefix(prefix)?.split_once('.')?;
    let number = number.parse().ok().filter(|&number| number <= MAX_BLOCKS * (MAX_BLOCKS + 1))?;
    Some((number, rest))
}
