//! The CLIP tokenizer and text transformer of Stable Diffusion.

#![forbid(unsafe_code)]

mod error;
mod special_tokens;
mod tokenizer;
mod vocabulary;

pub use error::Error;
pub use tokenizer::{Encoding, Tokenizer, TokenizerFiles};
