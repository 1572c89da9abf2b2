//! The Stable Diffusion 1.x UNet with GLIGEN's gated self-attention.
//!
//! ```text
//! boxes ─▶ fourier ─┐
//! phrase states ────┴▶ position_net ─▶ grounding tokens ─▶ fuser keys, values ─┐
//! caption states ─────────────────────────▶ attn2 keys, values ────────────────┤ once per generation
//!                                                                              ▼
//! latents ─▶ conv_in ─▶ down_blocks ─▶ mid_block ─▶ up_blocks ─▶ conv_out ─▶ prediction      at each step
//!                         └───────── skip connections ──▲
//! ```
//!
//! Inside each block of attention: self-attention, fuser, cross-attention, feed-forward ([`transformer`]). The
//! fuser's strength is an argument of each prediction, never a state of the network.
//!
//! [`UNetConfig`] reads a published `unet/config.json`; fields are named as the keys of the checkpoint.
//!
//! ```
//! use gligen_components::{Conditioning, Denoiser};
//! use gligen_unet::UNet;
//! # use burn::{Tensor, tensor::Distribution};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let device = gligen_testkit::devices().remove(0);
//! let folder = gligen_testkit::fixtures().join("tiny-gligen/unet");
//! let unet = UNet::load(&folder, &device)?;
//!
//! let encoder_hidden_states = Tensor::zeros([1, 77, 128], &device); // from a text encoder
//! let mut run = unet.begin(&Conditioning { encoder_hidden_states, grounding: None })?;
//! let noise = run.predict(Tensor::zeros([1, 4, 32, 32], &device), 981.0, 0.0)?;
//! assert_eq!(noise.dims(), [1, 4, 32, 32]);
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod blocks;
mod conditioning;
mod config;
mod error;
mod fourier;
mod fuser;
mod model;
mod position_net;
pub mod transformer;

pub use blocks::{DownBlock, MidBlock, UpBlock};
pub use config::{AttentionType, BlockType, UNetConfig};
pub use error::UNetError;
pub use fourier::fourier_features;
pub use fuser::Fuser;
pub use model::UNet;
pub use position_net::{PositionNet, TextImagePositionNet, TextPositionNet};
