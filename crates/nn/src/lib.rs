//! Blocks that the networks of a latent diffusion model share.
//!
//! ```text
//! primitives   Linear · Conv2d · GroupNorm · LayerNorm · Embedding · Activation
//! blocks       Attention · FeedForward (GEGLU) · ResnetBlock2d · Downsample2d · Upsample2d · TimestepEmbedding
//!              · ClipEncoder (text and vision towers)
//! ```
//!
//! Every block is a Burn module whose fields are named as the published checkpoints name them, and whose parameters
//! have torch's layouts: the path of a parameter is its key in the file. Children that torch numbers are tuples,
//! arrays or vectors here, so that `to_out.0.weight` and `net.2.weight` come out by themselves. Parameters are made
//! empty and wait for a checkpoint (`gligen-weights` loads it); no random numbers are drawn for them.
//!
//! ```
//! use burn::module::Module;
//! use gligen_nn::FeedForward;
//!
//! let device = gligen_testkit::devices().remove(0);
//! let block = FeedForward::new(40, &device);
//! assert_eq!(block.num_params(), 40 * 320 + 320 + 160 * 40 + 40);
//! ```

#![forbid(unsafe_code)]

mod activation;
mod attention;
mod clip_encoder;
mod conv;
mod embedding;
mod feed_forward;
mod linear;
mod norm;
mod parameter;
mod resample;
mod resnet;
mod timestep;

pub use activation::Activation;
pub use attention::{Attention, KeysValues};
pub use clip_encoder::{ClipEncoder, ClipEncoderLayer};
pub use conv::{Conv2d, Padding};
pub use embedding::Embedding;
pub use feed_forward::{FeedForward, GegluIn};
pub use linear::Linear;
pub use norm::{GroupNorm, GroupStatistics, LayerNorm};
pub use parameter::parameter;
pub use resample::{Downsample2d, Upsample2d};
pub use resnet::ResnetBlock2d;
pub use timestep::{TimestepEmbedding, timestep_features};
