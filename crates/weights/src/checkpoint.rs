//! A checkpoint of any layout as the networks in it, under today's names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::entry::Entry;
use crate::layout::{Section, detect, left_out};
use crate::names::is_squeezed;
use crate::{Layout, Names, Naming, Part, Weights, WeightsError};

/// What files of weights are called in the folders of networks.
const STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];

/// An opened checkpoint: a file or folder of any layout.
///
/// ```text
/// folder: unet/ vae/ text_encoder/ … ──────────────────────┐
/// single file: model.diffusion_model. first_stage_model. … │  names of   ┌▶ UNet: Weights
/// training: model. autoencoder. text_encoder. … ───────────┼─ today ────▶├▶ autoencoder: Weights
/// adapter: input_blocks.1.1.….fuser. position_net. ────────┤             └▶ text encoder: Weights
/// one network ─────────────────────────────────────────────┘
/// ```
///
/// Nothing vanishes: what no network needs is listed in [`Self::left_out`] with the reason, what nobody knows in
/// [`Self::unknown`]; a tensor that belongs to a network but has no place in it stays there, and is unused when the network
/// is loaded, which is an error.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    layout: Layout,
    naming: Naming,
    parts: BTreeMap<Part, Weights>,
    left_out: Vec<LeftOut>,
    unknown: Vec<String>,
}

/// A tensor that no network needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its key in the file.
    pub key: String,
    /// What it is.
    pub reason: &'static str,
}

/// What a UNet can be told to draw besides a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grounding {
    /// Nothing: plain Stable Diffusion.
    None,
    /// A phrase in a box.
    TextBox,
    /// A phrase, a picture or both in a box.
    TextImageBox,
    /// A person's joints.
    Keypoints,
    /// A map of edges, depths, normals or classes.
    SpatialMap,
}

impl Checkpoint {
    /// Opens the checkpoint at `path`: a folder in the diffusers layout, an index of shards, or a file.
    ///
    /// # Errors
    ///
    /// As [`Weights::open`]; [`WeightsError::NoCheckpoint`] where there is no network in it.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        if path.is_dir() { Self::open_folder(path) } else { Self::of(&Weights::open(path)?) }
    }

    fn open_folder(path: &Path) -> Result<Self, WeightsError> {
        let mut parts = Vec::new();
        for part in Part::ALL {
            let folder = path.join(part.folder());
            if folder.is_dir() {
                parts.push((part, Weights::find(&folder, &STEMS)?));
            }
        }
        let checkpoint = Self::from_parts(path, parts)?;
        if checkpoint.parts.is_empty() {
            // It may be the folder of one network.
            return match Weights::find(path, &STEMS) {
                Ok(weights) => Self::of(&weights),
                Err(WeightsError::NotFound { .. }) => {
                    let found = "a folder with neither weights nor the folders of networks".into();
                    Err(WeightsError::NoCheckpoint { path: path.into(), found })
                }
                Err(error) => Err(error),
            };
        }
        Ok(checkpoint)
    }

    /// The networks in `weights`, opened from one file.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NoCheckpoint`] where there is none; keys that are for the same parameter.
    pub fn of(weights: &Weights) -> Result<Self, WeightsError> {
        let keys: Vec<_> = weights.entries().map(|(key, _)| key).collect();
        let (layout, sections) = detect(&keys)
            .map_err(|found| WeightsError::NoCheckpoint { path: weights.path().into(), found })?;
        let naming = sections[0].naming;
        let mut checkpoint = Self::empty(weights.path(), layout, naming);
        checkpoint.add(weights, &sections)?;
        let adapter = checkpoint.part(Part::UNet).is_some_and(|unet| {
            unet.tensors().next().is_some() && unet.tensors().all(|(key, _)| is_grounding(key))
        });
        if adapter && checkpoint.parts.len() == 1 {
            checkpoint.layout = Layout::Adapter;
        }
        Ok(checkpoint)
    }

    /// Networks that were opened one by one, under the names of diffusers; `path` is what errors call them.
    ///
    /// # Errors
    ///
    /// Keys that are for the same parameter.
    pub fn from_parts(
        path: &Path,
        parts: impl IntoIterator<Item = (Part, Weights)>,
    ) -> Result<Self, WeightsError> {
        let mut checkpoint = Self::empty(path, Layout::Folder, Naming::Diffusers);
        for (part, weights) in parts {
            checkpoint.add(&weights, &[Section { part, prefix: "", naming: Naming::Diffusers }])?;
        }
        Ok(checkpoint)
    }

    fn empty(path: &Path, layout: Layout, naming: Naming) -> Self {
        let (parts, left_out, unknown) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { path: path.into(), layout, naming, parts, left_out, unknown }
    }

    /// Sorts the tensors of `weights` into the networks of `sections`.
    fn add(&mut self, weights: &Weights, sections: &[Section]) -> Result<(), WeightsError> {
        let mut entries = vec![Vec::new(); sections.len()];
        for (key, entry) in weights.entries() {
            let section = sections.iter().position(|section| key.starts_with(section.prefix));
            if let Some(reason) = left_out(key, section.map(|i| sections[i].part)) {
                self.left_out.push(LeftOut { key: key.to_owned(), reason });
                continue;
            }
            match section {
                Some(i) => entries[i].push((key, &key[sections[i].prefix.len()..], entry)),
                None => self.unknown.push(key.to_owned()),
            }
        }
        for (section, entries) in sections.iter().zip(entries) {
            let part = of_today(weights, section, &entries)?;
            self.parts.insert(section.part, part);
        }
        Ok(())
    }

    /// This base with the fusers and the position net of `adapter` in its UNet, as if it had come so. No numbers are read
    /// or copied.
    ///
    /// # Errors
    ///
    /// An adapter that is none, a base without a UNet, and one that has these layers already.
    pub fn with(&self, adapter: &Self) -> Result<Self, WeightsError> {
        adapter.check()?;
        let lacks = |checkpoint: &Self, expected: &str| WeightsError::LacksPart {
            path: checkpoint.path.clone(),
            expected: expected.into(),
        };
        if adapter.layout != Layout::Adapter {
            return Err(lacks(adapter, "fusers and a position net alone"));
        }
        let (Some(base), Some(added)) = (self.part(Part::UNet), adapter.part(Part::UNet)) else {
            return Err(lacks(self, "the weights of the UNet"));
        };
        if base.tensors().any(|(key, _)| is_grounding(key)) {
            return Err(WeightsError::Grounded { path: self.path.clone() });
        }
        let mut both = self.clone();
        both.parts.insert(Part::UNet, base.with(added)?);
        Ok(both)
    }

    /// What was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whose names its keys are.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// The weights of one network, under the names of [`Part::key_map`]; an adapter's are some of the UNet's.
    pub fn part(&self, part: Part) -> Option<&Weights> {
        self.parts.get(&part)
    }

    /// All networks in it.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &Weights)> {
        self.parts.iter().map(|(&part, weights)| (part, weights))
    }

    /// Tensors that no network needs.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Keys of tensors that belong to none of the networks.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Refuses a file with tensors that nobody knows.
    ///
    /// # Errors
    ///
    /// [`WeightsError::UnknownTensors`].
    pub fn check(&self) -> Result<(), WeightsError> {
        if self.unknown.is_empty() {
            return Ok(());
        }
        Err(WeightsError::UnknownTensors { path: self.path.clone(), keys: self.unknown.clone() })
    }

    /// What its UNet, or the adapter, can be told to draw.
    pub fn grounding(&self) -> Grounding {
        let Some(unet) = self.part(Part::UNet) else { return Grounding::None };
        let has = |prefix: &str| unet.tensors().any(|(key, _)| key.starts_with(prefix));
        match () {
            () if has("position_net.linears_image.") || has("position_net.linears_text.") => {
                Grounding::TextImageBox
            }
            () if has("position_net.keypoint_embeddings") => Grounding::Keypoints,
            () if has("position_net.convnext_tiny_backbone.") => Grounding::SpatialMap,
            () if has("position_net.") => Grounding::TextBox,
            () => Grounding::None,
        }
    }

    /// Channels that its UNet takes: 4, or 9 to repaint pictures. `None` for an adapter.
    pub fn in_channels(&self) -> Option<usize> {
        let (_, info) = self.part(Part::UNet)?.tensors().find(|(key, _)| *key == "conv_in.weight")?;
        info.shape.get(1).copied()
    }
}

/// Whether `key` of a UNet belongs to what GLIGEN adds to Stable Diffusion.
pub(crate) fn is_grounding(key: &str) -> bool {
    key.contains(".fuser.") || key.starts_with("position_net.")
}

/// The tensors of a network under today's names. `entries` are keys of the file, these without the prefix, and tensors.
fn of_today(
    weights: &Weights,
    section: &Section,
    entries: &[(&str, &str, &Entry)],
) -> Result<Weights, WeightsError> {
    let keys = entries.iter().map(|(_, key, _)| *key);
    let names = match section.part {
        Part::UNet => Names::unet(keys),
        Part::Vae => Names::vae(keys),
        Part::TextEncoder => Names::text_encoder(),
        _ => Names::default(),
    };
    let key_map = section.part.key_map();
    weights.named(entries.iter().filter_map(|&(full, key, entry)| {
        // What has no place in the network keeps its name, and nobody will take it.
        let name = match section.naming {
            Naming::Original => names.to_diffusers(key).unwrap_or_else(|| key.to_owned()),
            Naming::Diffusers => key_map.path(key)?,
        };
        let mut entry = entry.clone();
        if section.part == Part::Vae && is_squeezed(&name) && entry.info.shape.ends_with(&[1, 1]) {
            entry.squeeze();
        }
        Some((full, name, entry))
    }))
}
