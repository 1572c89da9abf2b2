//! What to do about a checkpoint that does not fit, where that can be told.

use std::io;

use crate::checkpoint::is_grounding;
use crate::{LoadReport, Misshapen, PickleError, WeightsError};

/// Beginnings of names in checkpoints of the original repositories, which number their blocks differently.
const ORIGINAL_LAYOUT: [&str; 5] = [
    "model.diffusion_model.",
    "first_stage_model.",
    "cond_stage_model.",
    "input_blocks.",
    "decoder.up.0.block.",
];

impl WeightsError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mismatch { report, .. } => report.hint(),
            Self::Truncated { .. }
            | Self::CutArchive { .. }
            | Self::Pickle { source: PickleError::Cut, .. } => {
                Some("the file was not fetched or copied completely: fetch it again".into())
            }
            Self::Grounded { .. } => Some("it needs no adapter".into()),
            Self::Compressed { .. } => Some("unpack it, or load it with torch and save it again".into()),
            Self::UnknownFormat { found, .. } if found.contains("Git LFS") => {
                Some("the repository was cloned without its large files: run `git lfs pull` in it".into())
            }
            Self::ShardMissing { .. } => {
                Some("the checkpoint is in several files, and all are needed".into())
            }
            Self::Overflow { .. } => Some("bf16 and f32 have room for them".into()),
            Self::ReadBack { .. } => Some("try again, and check the disk if it happens again".into()),
            Self::Exists { .. } => Some("remove it, or choose another name".into()),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full; nothing half-written was left".into())
            }
            Self::NotFound { .. } => Some(
                "is this the whole folder? A model has its networks in folders unet, vae and text_encoder"
                    .into(),
            ),
            Self::UnknownFormat { .. } | Self::NoCheckpoint { .. } | Self::UnknownTensors { .. } => {
                Some("is this another kind of model? Supported are Stable Diffusion 1.x and GLIGEN".into())
            }
            Self::Damaged { .. } | Self::Pickle { .. } | Self::WrongSize { .. } | Self::NonFinite { .. } => {
                Some("fetch it again; if it stays so, whoever published it should know".into())
            }
            Self::Index { .. }
            | Self::ShardName { .. }
            | Self::NotInShard { .. }
            | Self::NotInIndex { .. }
            | Self::SameParameter { .. } => {
                Some("the files of this checkpoint do not belong together: fetch all of them again".into())
            }
            Self::NoTensor { .. } | Self::NotFloat { .. } => {
                Some("is this file of the kind that is wanted here?".into())
            }
            Self::LacksPart { .. } => Some("`gligen inspect` says what is in it".into()),
            // What the system says, or what was wanted.
            Self::Read { .. } | Self::Tensor { .. } | Self::Write { .. } => None,
            Self::Announcement { .. } | Self::Interrupted => None,
        }
    }
}

impl LoadReport {
    /// What the pattern of faults tells, if it is one that is known.
    pub fn hint(&self) -> Option<String> {
        let misshapen = |end: &str| self.misshapen.iter().find(|tensor| tensor.key.ends_with(end));
        if self.unused.iter().any(|key| ORIGINAL_LAYOUT.iter().any(|start| key.starts_with(start))) {
            return Some("the names are those of the original repositories; `gligen convert` makes a model folder of them".into());
        }
        if self.missing.len() == self.parameters() && !self.missing.is_empty() {
            return Some("no tensor matches: is this another kind of checkpoint?".into());
        }
        if let Some((expected, found)) =
            ["fuser.linear.weight", "attn2.to_k.weight"].iter().find_map(|end| last_axis(misshapen(end)?))
        {
            return Some(format!(
                "the configuration is for a text encoder that is {expected} wide; this checkpoint was trained with one \
                 that is {found} wide"
            ));
        }
        if let Some(Misshapen { expected, found, .. }) = misshapen("conv_in.weight")
            && let ([_, expected, ..], [_, found, ..]) = (expected.as_slice(), found.as_slice())
            && expected != found
        {
            return Some(format!("the configuration has {expected} input channels, this checkpoint {found}"));
        }
        if all_of_grounding(&self.missing) {
            return Some(
                "these are weights without grounding layers: is this a plain Stable Diffusion checkpoint?"
                    .into(),
            );
        }
        if all_of_grounding(&self.unused) {
            return Some(
                "these weights have grounding layers, but config.json lacks their `attention_type`".into(),
            );
        }
        if !self.non_finite.is_empty() {
            return Some(
                "the file is damaged, or was converted to a type whose range is too small for it".into(),
            );
        }
        None
    }
}

/// The last axes, where they are what differs.
fn last_axis(tensor: &Misshapen) -> Option<(usize, usize)> {
    let axes = (*tensor.expected.last()?, *tensor.found.last()?);
    (axes.0 != axes.1).then_some(axes)
}

fn all_of_grounding(keys: &[String]) -> bool {
    !keys.is_empty() && keys.iter().all(|key| is_grounding(key))
}
