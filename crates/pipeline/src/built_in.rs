//! The small trained model that is compiled in: `fixtures/tiny-gligen`.

use std::path::Path;

use gligen_clip_text::{Tokenizer, TokenizerFiles};
use gligen_components::BoxError;
use gligen_weights::{Checkpoint, Part, Weights, WeightsError};

use crate::Defaults;

/// What the model was tuned for; the original's defaults are for larger ones.
pub(crate) const DEFAULTS: Defaults =
    Defaults { steps: 30, guidance_scale: 4.0, scheduled_sampling_beta: 1.0 };

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tiny-gligen/", $name))
    };
}

/// The text file `name` of `part`, empty if there is none.
pub(crate) fn text(part: &str, name: &str) -> &'static str {
    let bytes: &[u8] = match (part, name) {
        ("unet", "config.json") => file!("unet/config.json"),
        ("vae", "config.json") => file!("vae/config.json"),
        ("text_encoder", "config.json") => file!("text_encoder/config.json"),
        ("scheduler", "scheduler_config.json") => file!("scheduler/scheduler_config.json"),
        _ => b"",
    };
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The weights of `part`.
pub(crate) fn weights(part: &str) -> Result<Weights, WeightsError> {
    match part {
        "unet" => Weights::from_bytes("unet", file!("unet/diffusion_pytorch_model.safetensors").as_slice()),
        "vae" => Weights::from_bytes("vae", file!("vae/diffusion_pytorch_model.safetensors").as_slice()),
        _ => Weights::from_bytes("text_encoder", file!("text_encoder/model.safetensors").as_slice()),
    }
}

/// All networks.
pub(crate) fn checkpoint() -> Result<Checkpoint, WeightsError> {
    let parts = [Part::UNet, Part::Vae, Part::TextEncoder];
    let parts = parts.map(|part| Ok((part, weights(part.folder())?)));
    let parts: Vec<_> = parts.into_iter().collect::<Result<_, WeightsError>>()?;
    Checkpoint::from_parts(Path::new("tiny-gligen"), parts)
}

/// The tokenizer.
pub(crate) fn tokenizer() -> Result<Tokenizer, BoxError> {
    Ok(Tokenizer::from_files(&TokenizerFiles {
        vocab: Some(file!("tokenizer/vocab.json")),
        merges: Some(file!("tokenizer/merges.txt")),
        tokenizer_config: Some(file!("tokenizer/tokenizer_config.json")),
        special_tokens_map: Some(file!("tokenizer/special_tokens_map.json")),
        ..TokenizerFiles::default()
    })?)
}
