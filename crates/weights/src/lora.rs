//! LoRA files: small changes to a network's weights, added to them while they are loaded.
//!
//! ```text
//! file ─ keys ─▶ (network, layer, A | B | alpha) ─┐
//! base weights ─ key map ─▶ layer ────────────────┴─▶ W + scale · alpha / rank · B · A, computed when W is read
//! ```
//!
//! Source: "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685, section 4.1; for convolutions as
//! LoCon and peft have it: A keeps the kernel, B is 1×1. LoCon may also split A into a core and a factor without a kernel.

mod error;
mod keys;
mod merged;
mod scale;
mod tucker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::LoraError;

use crate::entry::{Data, Entry};
use crate::{Dtype, Names, Part, TensorInfo, Weights};
use keys::{LoraKey, Role, normalised};
use merged::{Factors, Merged};
use scale::Scales;

/// An opened LoRA file. Only names and shapes, and the few numbers of its scale, are read here.
#[derive(Debug)]
pub struct Lora {
    path: PathBuf,
    updates: Vec<Update>,
}

/// The change of one layer.
#[derive(Debug)]
struct Update {
    part: Part,
    layer: String,
    /// The name of `down`, for errors.
    key: String,
    factors: Arc<Factors>,
    /// `alpha / rank`.
    scale: f64,
}

impl Lora {
    /// Opens the file at `path`: safetensors or pickled, in one of the layouts of kohya's sd-scripts, diffusers (old and
    /// new) and peft.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is no LoRA, or says of its scale what is not supported.
    pub fn open(path: &Path) -> Result<Self, LoraError> {
        let weights = Weights::open(path)?;
        let by_itself = weights.entries.keys().any(|key| key.starts_with("base_model.model."));
        let refused = |problem| LoraError::Scale { path: path.into(), problem };
        let scales = Scales::read(path, by_itself).map_err(refused)?;

        let mut layers: BTreeMap<(Part, String), BTreeMap<Role, (String, Entry)>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (key, entry) in weights.entries {
            match keys::parse(&key) {
                Some(LoraKey { part, layer, role }) => {
                    let second = key.clone();
                    let before = layers.entry((part, layer)).or_default().insert(role, (key, entry));
                    if let Some((first, _)) = before {
                        return Err(LoraError::Twice { path: path.into(), first, second });
                    }
                }
                None => unknown.push(key),
            }
        }
        if !unknown.is_empty() {
            return Err(LoraError::Unknown { path: path.into(), keys: unknown });
        }

        let mut updates = Vec::with_capacity(layers.len());
        for ((part, layer), mut found) in layers {
            let alpha = found.remove(&Role::Alpha);
            let (key, down, up) = match (found.remove(&Role::Down), found.remove(&Role::Up)) {
                (Some((key, down)), Some((_, up))) => (key, down, up),
                (down, up) => {
                    let some = down.or(up).or(alpha).or_else(|| found.remove(&Role::Core));
                    let key = some.map(|(key, _)| key).unwrap_or_default();
                    return Err(LoraError::Half { path: path.into(), key });
                }
            };
            let alpha = match alpha {
                Some((key, alpha)) => Some(scale::number(&alpha).ok_or_else(|| {
                    refused(format!(
                        "{key}: expected one number, found {} of shape {:?}",
                        alpha.info.dtype, alpha.info.shape
                    ))
                })?),
                None => None,
            };
            let down = match found.remove(&Role::Core) {
                None => down,
                Some((key, core)) => tucker::product(&core, &down).ok_or_else(|| LoraError::Core {
                    path: path.into(),
                    key,
                    core: core.info.shape.clone(),
                    down: down.info.shape.clone(),
                })?,
            };
            let rank = down.info.shape.first().copied().unwrap_or(0);
            let scale = scales.of(part, &layer, alpha, rank);
            updates.push(Update { part, layer, key, factors: Arc::new(Factors { up, down }), scale });
        }
        Ok(Self { path: path.into(), updates })
    }

    /// How many layers of `part` it changes.
    pub fn layers(&self, part: Part) -> usize {
        self.updates.iter().filter(|update| update.part == part).count()
    }
}

impl Weights {
    /// These weights, of the network `part`, with what `lora` changes in it, `scale` times.
    ///
    /// Nothing is read here: the sum is made for each tensor when the network is loaded.
    ///
    /// # Errors
    ///
    /// Layers that are not among these weights, or of another shape.
    pub fn with_lora(mut self, lora: &Lora, part: Part, scale: f64) -> Result<Self, LoraError> {
        let keys = part.key_map();
        let layer = |path: &str| Some(normalised(path.strip_suffix(".weight")?));
        let paths: Vec<_> = self.entries.keys().filter_map(|key| Some((keys.path(key)?, key))).collect();
        let mut layers: BTreeMap<String, String> =
            paths.iter().filter_map(|(path, key)| Some((layer(path)?, key.to_string()))).collect();
        if part == Part::UNet {
            // Some files have the names of the original repositories.
            let names = Names::unet(paths.iter().map(|(path, _)| path.as_ref()));
            let original = |path: &str| layer(&names.to_original(path)?);
            layers.extend(paths.iter().filter_map(|(path, key)| Some((original(path)?, key.to_string()))));
        }
        let updates: Vec<&Update> = lora.updates.iter().filter(|update| update.part == part).collect();
        let unmatched = updates.iter().filter(|update| !layers.contains_key(&update.layer));
        let unmatched: Vec<String> = unmatched.map(|update| update.key.clone()).collect();
        if !unmatched.is_empty() {
            return Err(LoraError::Unmatched { path: lora.path.clone(), keys: unmatched, of: updates.len() });
        }
        for update in updates {
            let Some((key, base)) = layers.get(&update.layer).and_then(|key| self.entries.remove_entry(key))
            else {
                continue; // all are there, as was just found
            };
            let Factors { up, down } = update.factors.as_ref();
            let shape = base.info.shape.clone();
            if !merged::fits(&shape, &up.info.shape, &down.info.shape) {
                return Err(LoraError::Shape {
                    path: lora.path.clone(),
                    key: update.key.clone(),
                    expected: shape,
                    up: up.info.shape.clone(),
                    down: down.info.shape.clone(),
                });
            }
            let info = TensorInfo { dtype: Dtype::F32, shape };
            let merged = Merged { base, factors: update.factors.clone(), scale: scale * update.scale };
            self.entries.insert(key, Entry { info, data: Data::Derived(Arc::new(merged)) });
        }
        Ok(self)
    }
}
