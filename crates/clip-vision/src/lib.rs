//! CLIP's vision transformer, as GLIGEN and Stable Diffusion's safety checker use it.
//!
//! ```text
//! picture ──▶ Preprocessor ──▶ pixel_values ──▶ ClipVisionModel ──▶ image_embeds ─┬─▶ ClipImageProjection ──▶ a state
//!             resize, crop,    [n, 3, 224, 224]                     [n, 768]      │   like a phrase's, 28.7 long
//!             normalise                                                           └─▶ 17 concepts ──▶ shown or not
//! ```
//!
//! Everything is read from the published folders: `image_encoder`, `image_project` and `processor` of a GLIGEN that
//! takes pictures of objects; `safety_checker` and `feature_extractor` of any Stable Diffusion.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gligen_clip_vision::{ClipImageEncoder, Picture, device};
//!
//! # let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/text-image"); // any published folder
//! let part = |name: &str| format!("{model}/{name}");
//! let encoder = ClipImageEncoder::load(
//!     part("image_encoder"), part("image_project"), part("processor"), &device::parse("flex")?,
//! )?;
//! let red = Picture::new(40, 30, [255, 0, 0].repeat(40 * 30)).expect("40 times 30 pixels");
//! assert_eq!(encoder.encode(&[red])?.dims(), [1, 32]);
//! # Ok(())
//! # }
//! ```
//!
//! The backends are features: `flex` (the CPU), `cuda`, `vulkan`, `wgpu`, `metal`; a program picks a device by its
//! name at run time.

#![forbid(unsafe_code)]

mod config;
mod encoder;
mod error;
mod image_projection;
mod preprocess;
mod safety_checker;
mod transformer;

pub use config::ClipVisionConfig;
pub use encoder::ClipImageEncoder;
pub use error::Error;
pub use gligen_components::{ImageEncoder, Picture, SafetyChecker};
pub use gligen_kernels::device;
pub use image_projection::ClipImageProjection;
pub use preprocess::Preprocessor;
pub use safety_checker::{ClipSafetyChecker, SafetyScores};
pub use transformer::{ClipVisionModel, ClipVisionTransformer};
