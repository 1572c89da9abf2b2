//! The autoencoder of Stable Diffusion 1.x: pictures to latents and back.
//!
//! ```text
//!            ┌────────── Encoder ───────────┐
//! pictures ─▶ conv_in ─▶ down_blocks ─▶ mid_block ─▶ conv_out ─▶ quant_conv ─▶ mean, log-variance ─▶ Posterior
//! pictures ◀─ conv_out ◀─ up_blocks ◀─ mid_block ◀─ conv_in ◀─ post_quant_conv ◀─ latents
//!            └────────── Decoder ───────────┘
//! ```
//!
//! Pictures are `[batch, 3, height, width]` in -1..1; a latent stands for a square of 8 × 8 pixels in the published
//! checkpoints. [`AutoencoderKlConfig`] reads a published `vae/config.json`; fields are named as the keys of the
//! checkpoint, and the names that old files give to the attention are taken as well.
//!
//! ```
//! use burn::Tensor;
//! use gligen_components::Autoencoder;
//! use gligen_vae::AutoencoderKl;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let device = gligen_testkit::devices().remove(0);
//! let folder = gligen_testkit::fixtures().join("tiny-gligen/vae");
//! let vae = AutoencoderKl::load(&folder, &device)?;
//!
//! let grey = Tensor::zeros([1, 3, 32, 48], &device);
//! let latents = vae.encode(grey)?.mode();
//! assert_eq!(latents.dims(), [1, 4, 8, 12]); // this small model has three levels: 4 pixels a latent
//! assert_eq!(vae.decode(latents)?.dims(), [1, 3, 32, 48]);
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod config;
mod decoder;
mod encoder;
mod error;
mod mid_block;
mod model;
mod posterior;
mod resnet;
mod tiles;

pub use config::AutoencoderKlConfig;
pub use decoder::{Decoder, DecoderBlock};
pub use encoder::{Encoder, EncoderBlock};
pub use error::VaeError;
pub use mid_block::{MidBlock, PixelAttention};
pub use model::AutoencoderKl;
pub use tiles::Tiling;
