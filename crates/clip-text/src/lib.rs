//! The CLIP tokenizer and text transformer of Stable Diffusion.
//!
//! ```text
//! text ──▶ Tokenizer ──▶ 77 ids ──▶ ClipTextTransformer ──▶ a state for each token, [texts, 77, width] ──▶ hidden
//!              │                                                      └─ that of the end token, [texts, width] ──▶ pooled
//!              └─ the words that did not fit ──▶ truncated
//! ```
//!
//! GLIGEN takes a caption's hidden states, and the pooled state of each object's phrase. Everything is read from the
//! published folders: `tokenizer` with `tokenizer.json`, or with `vocab.json` and `merges.txt`, and `text_encoder` with
//! safetensors or a pickled `.bin`, with or without the prefix `text_model.` in its keys.
//!
//! A caption takes three lines:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gligen_clip_text::{ClipTextEncoder, device};
//!
//! let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tiny-gligen"); // any published folder
//! let encoder = ClipTextEncoder::load(format!("{model}/text_encoder"), format!("{model}/tokenizer"), &device::parse("flex")?)?;
//! let states = encoder.encode(&["a cat and a red apple on a light blue background"], 0)?;
//!
//! assert_eq!(states.hidden.dims(), [1, 77, 128]);
//! assert_eq!(states.pooled.dims(), [1, 128]);
//! # Ok(())
//! # }
//! ```
//!
//! The backends are features: `flex` (the CPU), `cuda`, `vulkan`, `wgpu`, `metal`; a program picks a device by its
//! name at run time. The tokenizer works without any:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gligen_clip_text::Tokenizer;
//!
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/clip-tokenizer");
//! let tokenizer = Tokenizer::load(folder)?;
//! let encoding = tokenizer.encode("A photo of a CAT")?;
//! assert_eq!(encoding.ids[..7], [49406, 320, 1125, 539, 320, 2368, 49407]);
//! assert_eq!(tokenizer.decode(&encoding.ids)?, "a photo of a cat");
//!
//! let long = tokenizer.encode(&format!("{} and Two Dogs", "cat ".repeat(74)))?;
//! assert_eq!(long.truncated.as_deref(), Some("Two Dogs"));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod config;
mod encoder;
mod error;
mod special_tokens;
mod textual_inversion;
mod tokenizer;
mod transformer;
mod vocabulary;

pub use config::{ClipTextConfig, EndToken};
pub use encoder::ClipTextEncoder;
pub use error::Error;
pub use gligen_components::{TextEncoder, TextStates};
pub use gligen_kernels::device;
pub use textual_inversion::{TextualInversion, add_words};
pub use tokenizer::{Encoding, Tokenizer, TokenizerFiles};
pub use transformer::{ClipTextTransformer, TokenStates};
