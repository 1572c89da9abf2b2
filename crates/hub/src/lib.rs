//! Fetches models from a hub into the cache that all its programs share, and finds them there again.
//!
//! ```text
//! owner/name@revision ─▶ in the cache? ─ yes ─────────────────────────────────────────────────────▶ folder
//!                              │ no                                                                   ▲
//!                              ▼                                                                      │
//!             commit and list of files ─▶ those that a model needs ─▶ size and checksum of each       │
//!                                                                        │ not in the cache           │
//!                                                                        ▼                            │
//!                       blobs/CHECKSUM.incomplete ─ whole, checked ─▶ blobs/CHECKSUM ─ links, then the revision
//! ```
//!
//! Only what a model in the diffusers layout needs is fetched: configs, tokenizer, and one form of the weights
//! (safetensors before pickles, full precision before half). Downloads go on where they were broken off, and nothing
//! gets its name before its checksum has been found right. The cache is the one of `huggingface_hub`: what Python has
//! fetched is used, and the other way round; [`Settings`] has the variables of the environment.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use gligen_hub::{Hub, Progress};
//!
//! # fn main() -> Result<(), gligen_hub::HubError> {
//! let id = "masterful/gligen-1-4-generation-text-box@refs/pr/2".parse()?;
//! let folder = Hub::from_env()?.model(&id, &mut |progress| {
//!     if let Progress::File { file } = progress {
//!         eprintln!("{file}");
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! println!("{}", folder.display());
//! # Ok(()) }
//! ```
//!
//! The crate `hf-hub` is not used: as of 0.5 it sends the token along to the hosts that the hub redirects to, checks no
//! checksums, appends to a broken download whatever a server answers, and knows neither `HF_HUB_CACHE`,
//! `HF_HUB_OFFLINE`, `HF_TOKEN` nor `HF_TOKEN_PATH`.

#![forbid(unsafe_code)]

mod blob;
mod cache;
mod client;
mod error;
mod hub;
mod model_id;
mod needed;
mod progress;
mod settings;

pub use error::HubError;
pub use hub::Hub;
pub use model_id::ModelId;
pub use needed::FILE_ENDINGS;
pub use progress::Progress;
pub use settings::{Settings, Token};
