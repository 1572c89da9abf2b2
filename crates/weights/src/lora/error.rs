//! What can be wrong with a LoRA file, alone and with a network.

use std::path::PathBuf;

use crate::WeightsError;

/// How many names are printed.
const SHOWN: usize = 5;

/// Ends of names of other kinds of adapters.
const OTHER_KINDS: [(&str, &str); 8] = [
    (".dora_scale", "DoRA"),
    (".lora_magnitude_vector", "DoRA"),
    (".lora_magnitude_vector.weight", "DoRA"),
    (".hada_w1_a", "LoHa"),
    (".lokr_w1", "LoKr"),
    (".lokr_w1_a", "LoKr"),
    (".oft_blocks", "OFT"),
    (".diff", "full differences"),
];

/// Errors of LoRA files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoraError {
    /// The file cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Names that mean nothing in a LoRA file.
    #[error("{path}: tensors that are no part of a LoRA: {list}", path = .path.display(), list = shown(.keys))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The names.
        keys: Vec<String>,
    },
    /// Two tensors that are the same factor, or number, of the same layer.
    #[error("{path}: {first} and {second} are for the same layer", path = .path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// Name of one.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// A factor without its other half.
    #[error("{path}: {key}: the other factor of its product is missing", path = .path.display())]
    Half {
        /// The file.
        path: PathBuf,
        /// The name of the factor, or of the number, that is there.
        key: String,
    },
    /// What the file says of its scale cannot be used.
    #[error("{path}: {problem}", path = .path.display())]
    Scale {
        /// The file.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// Layers that the network does not have.
    #[error("{path}: the model has no layers for {count} of its {of} tensors: {list}", path = .path.display(), count = .keys.len(), list = shown(.keys))]
    Unmatched {
        /// The file.
        path: PathBuf,
        /// Names of the factors.
        keys: Vec<String>,
        /// Factors for this network.
        of: usize,
    },
    /// A core that cannot be multiplied by the factor beside it.
    #[error(
        "{path}: {key}: expected [rank, n, height, width] beside a factor of [n, inputs], found {core:?} and {down:?}",
        path = .path.display()
    )]
    Core {
        /// The file.
        path: PathBuf,
        /// The name of the core.
        key: String,
        /// Its shape.
        core: Vec<usize>,
        /// Shape of the right factor.
        down: Vec<usize>,
    },
    /// Factors whose product does not have the shape of the layer.
    #[error(
        "{path}: {key}: expected the product of two factors for a layer of {expected:?}, found {up:?} and {down:?}",
        path = .path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The name of the right factor.
        key: String,
        /// Shape of the layer's weights.
        expected: Vec<usize>,
        /// Shape of the left factor.
        up: Vec<usize>,
        /// Shape of the right factor.
        down: Vec<usize>,
    },
}

impl LoraError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Weights(error) => error.hint(),
            Self::Unknown { keys, .. } => {
                let kind = OTHER_KINDS.iter().find(|(end, _)| keys.iter().any(|key| key.ends_with(end)));
                Some(match kind {
                    Some((_, kind)) => {
                        format!("this is another kind of adapter, {kind}: it cannot be merged here")
                    }
                    None if keys.iter().any(|key| key.starts_with("lora_te2_")) => {
                        "this LoRA is for SDXL; one for Stable Diffusion 1.x is needed".into()
                    }
                    None => "is this a LoRA file?".into(),
                })
            }
            Self::Unmatched { .. } | Self::Shape { .. } => {
                Some("was this LoRA made for another base, as Stable Diffusion 2 or SDXL?".into())
            }
            Self::Twice { .. } | Self::Half { .. } | Self::Core { .. } | Self::Scale { .. } => {
                Some("the file is damaged, or of a kind that is not known here".into())
            }
        }
    }
}

fn shown(keys: &[String]) -> String {
    let mut list = keys.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if keys.len() > SHOWN {
        list += &format!(" and {} more", keys.len() - SHOWN);
    }
    list
}
