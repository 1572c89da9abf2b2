//! GLIGEN from a caption, phrases and boxes to a picture.
//!
//! ```text
//! Request ─▶ Plan (checked) ─┬─ captions ─▶ TextEncoder ───────────────────────────────┐
//!                            ├─ objects ──▶ TextEncoder, ImageEncoder ─▶ Grounding ────┤
//!                            ├─ seed ─▶ NoiseSource ─▶ latents ─▶ [ Denoiser ⇄ Sampling ] × steps ─▶ Autoencoder ─▶ Output
//!                            └─ picture to repaint ─▶ Autoencoder ─▶ Inpainting ──┘
//! ```
//!
//! [`Pipeline`] runs on the traits of `gligen-components`; with the feature `networks` (default) it loads the
//! published checkpoints, and a small one that is built in:
//!
//! ```
//! use std::ops::ControlFlow;
//! use gligen_pipeline::{Object, Pipeline, Request};
//!
//! # fn main() -> Result<(), gligen_pipeline::Error> {
//! let device = gligen_testkit::devices().remove(0);
//! let pipeline = Pipeline::built_in(&device)?; // or Pipeline::load("path/to/model".as_ref(), &device)?
//! let request = Request::new("a cat and a red apple on a white background")
//!     .object(Object::phrase("a cat", [0.05, 0.30, 0.50, 0.90]))
//!     .object(Object::phrase("a red apple", [0.60, 0.40, 0.90, 0.70]))
//!     .steps(2)
//!     .seed(42);
//! let output = pipeline.generate(&request, |_progress| ControlFlow::Continue(()))?;
//! assert_eq!(output.images[0].dimensions(), (128, 128));
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod adapter_files;
#[cfg(feature = "networks")]
mod adapters;
mod atomic_file;
#[cfg(feature = "networks")]
mod built_in;
mod denoise;
mod embedded_picture;
mod error;
mod grounding;
mod hint;
mod inpaint;
mod layout;
#[cfg(feature = "networks")]
mod memory;
#[cfg(feature = "networks")]
mod model_dir;
mod object;
mod output;
mod parameters;
mod picture_file;
mod pipeline;
mod plan;
mod png_file;
mod preview;
mod prompt;
mod repaint_mask;
mod request;
#[cfg(feature = "networks")]
mod resting;
#[cfg(feature = "networks")]
mod sd1;
#[cfg(feature = "networks")]
pub mod sd1_configs;

pub use adapter_files::{EmbeddingFile, LoraFile};
pub use atomic_file::AtomicFile;
pub use denoise::{Progress, Warning};
pub use embedded_picture::{embedded_file, embedded_picture};
pub use error::{Error, RequestError, whole_message};
pub use gligen_components::Picture;
pub use gligen_kernels::device;
#[cfg(feature = "networks")]
pub use gligen_vae::Tiling;
pub use hint::system_hint;
pub use inpaint::{Inpaint, InpaintMode};
pub use layout::{
    ForeignFormat, ImportError, ImportOptions, Imported, Layout, LayoutError, LayoutObject, layout_lines,
    random_seed, without_mark,
};
#[cfg(feature = "networks")]
pub use memory::Memory;
#[cfg(feature = "networks")]
pub use model_dir::{LoadOptions, ModelDir};
pub use object::Object;
pub use output::{Output, rgb_image};
pub use parameters::parameters;
pub use picture_file::{PictureError, Transparency, read_picture};
pub use pipeline::{Parts, Pipeline};
pub use plan::{MAX_OBJECTS, Plan};
pub use png_file::{LAYOUT_KEYWORD, PARAMETERS_KEYWORD, PngError, read_png_texts, write_png};
pub use preview::LatentPreview;
pub use request::{Compat, Defaults, Request};
#[cfg(feature = "networks")]
pub use sd1::folder_texts;

/// The examples of the repository's front page.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
