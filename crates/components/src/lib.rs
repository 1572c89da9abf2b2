//! The seams of GLIGEN: the traits that its networks meet, and the plain values that cross them.
//!
//! ```text
//! captions, phrases ───▶ TextEncoder ─▶ TextStates ─┐
//! pictures of objects ─▶ ImageEncoder ──────────────┤
//! boxes ────────────────────────────────────────────┴▶ Conditioning ─▶ Denoiser::begin ─▶ Denoising::predict × steps
//! a picture to repaint ─▶ Autoencoder::encode ─▶ Posterior     latents ─▶ Autoencoder::decode ─▶ SafetyChecker
//! ```
//!
//! The crate is small on purpose: who brings a text encoder or a UNet of their own compiles this and no network.
//! A network is immutable once loaded and shared by reference; what a generation remembers lives in the value
//! that [`Denoiser::begin`] returns.
//!
//! ```
//! use burn::Tensor;
//! use gligen_components::{BoxError, TextEncoder, TextStates};
//!
//! /// Knows no words: every text gets the same states.
//! struct Mute {
//!     hidden: Tensor<3>, // [1, tokens, channels]
//! }
//!
//! impl TextEncoder for Mute {
//!     fn width(&self) -> usize {
//!         self.hidden.dims()[2]
//!     }
//!
//!     fn encode(&self, texts: &[String], _clip_skip: usize) -> Result<TextStates, BoxError> {
//!         let hidden = self.hidden.clone().repeat_dim(0, texts.len());
//!         let pooled = hidden.clone().mean_dim(1).squeeze_dim(1);
//!         Ok(TextStates { hidden, pooled, truncated: vec![None; texts.len()] })
//!     }
//! }
//! ```

#![forbid(unsafe_code)]

mod autoencoder;
mod denoiser;
mod image_encoder;
mod safety_checker;
mod text_encoder;

pub use autoencoder::{Autoencoder, Posterior};
pub use denoiser::{Conditioning, Denoiser, Denoising, Grounding, SlotFeatures};
pub use gligen_pictures::Picture;
pub use image_encoder::ImageEncoder;
pub use safety_checker::SafetyChecker;
pub use text_encoder::{TextEncoder, TextStates};

/// The error of a component: each network has its own type, and a user's network may have any.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
