//! What a server is told when it starts.

use std::time::Duration;

use gligen_pipeline::{EmbeddingFile, LoraFile};
use schemars::JsonSchema;
use serde::Serialize;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it serves.
    pub model: ModelInfo,
    /// LoRA files that the model was changed by: pictures tell it.
    pub loras: Vec<LoraFile>,
    /// Textual inversions that it knows.
    pub embeddings: Vec<EmbeddingFile>,
    /// Jobs that may wait; one more is answered with 503.
    pub queue: usize,
    /// How long results are kept; later they are answered with 410.
    pub keep_results: Duration,
    /// How long the head of a request may take, and how long a connection may lie idle.
    pub head_timeout: Duration,
    /// How long the body of a request may take.
    pub request_timeout: Duration,
    /// How long the running job has to finish when the server shall stop.
    pub grace: Duration,
    /// The most that one request may ask for.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            model: ModelInfo::default(),
            loras: Vec::new(),
            embeddings: Vec::new(),
            queue: 16,
            keep_results: Duration::from_secs(600),
            head_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            limits: Limits::default(),
        }
    }
}

/// What users know of the model.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct ModelInfo {
    /// What they call it.
    pub name: String,
    /// The things that it has learnt, if they are few enough to be listed.
    pub things: Vec<String>,
    /// The backgrounds that it has learnt.
    pub backgrounds: Vec<String>,
}

/// The most that one request may ask for.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Limits {
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Pixels of all the pictures that it holds, unpacked.
    pub picture_pixels: u64,
    /// Width and height of a result.
    pub side: usize,
    /// Pixels of all results together.
    pub pixels: usize,
    /// Inference steps.
    pub steps: usize,
    /// Results.
    pub pictures: usize,
    /// Objects of a caption.
    pub objects: usize,
    /// Characters of a text.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            picture_pixels: 8 << 20,
            side: 2048,
            pixels: 8 << 20,
            steps: 250,
            pictures: 16,
            objects: 100,
            text: 10_000,
        }
    }
}
