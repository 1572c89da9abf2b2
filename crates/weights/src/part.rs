//! The networks that a checkpoint consists of.

use std::fmt;

use crate::KeyMap;

/// A network of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What denoises, with the fusers and the position net.
    UNet,
    /// Between pixels and latents.
    Vae,
    /// What reads captions and phrases.
    TextEncoder,
    /// What looks at pictures.
    ImageEncoder,
    /// From its states to those of the text encoder.
    ImageProjection,
    /// What looks for pictures that should not be shown.
    SafetyChecker,
}

impl Part {
    /// All of them; the first three are needed for any picture.
    pub const ALL: [Self; 6] = [
        Self::UNet,
        Self::Vae,
        Self::TextEncoder,
        Self::ImageEncoder,
        Self::ImageProjection,
        Self::SafetyChecker,
    ];

    /// Its folder in the diffusers layout.
    pub fn folder(self) -> &'static str {
        match self {
            Self::UNet => "unet",
            Self::Vae => "vae",
            Self::TextEncoder => "text_encoder",
            Self::ImageEncoder => "image_encoder",
            Self::ImageProjection => "image_project",
            Self::SafetyChecker => "safety_checker",
        }
    }

    /// The name of its weights' file in that folder, without its ending; pickled ones have others as well.
    pub fn stem(self) -> &'static str {
        match self {
            Self::UNet | Self::Vae | Self::ImageProjection => "diffusion_pytorch_model",
            Self::TextEncoder | Self::ImageEncoder | Self::SafetyChecker => "model",
        }
    }

    /// From the names in older files to those of today, which are the paths in our modules; what no module needs is left
    /// out.
    pub fn key_map(self) -> KeyMap {
        match self {
            // Before diffusers 0.12.
            Self::Vae => KeyMap::new()
                .rename_segment("attentions.0.query", "attentions.0.to_q")
                .rename_segment("attentions.0.key", "attentions.0.to_k")
                .rename_segment("attentions.0.value", "attentions.0.to_v")
                .rename_segment("attentions.0.proj_attn", "attentions.0.to_out.0"),
            // Before transformers 5; the places' numbers are those before 4.31. Some bring the projection of a whole CLIP.
            Self::TextEncoder => {
                KeyMap::new().strip_prefix("text_model.").ignore("position_ids").ignore("text_projection")
            }
            _ => KeyMap::new(),
        }
    }
}

impl fmt::Display for Part {
    /// As in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UNet => "UNet",
            Self::Vae => "autoencoder",
            Self::TextEncoder => "text encoder",
            Self::ImageEncoder => "image encoder",
            Self::ImageProjection => "image projection",
            Self::SafetyChecker => "safety checker",
        })
    }
}
