//! From the space of pictures to that of phrases.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_nn::Linear;
use gligen_weights::{ConfigError, ConfigKeys};
use serde_json::json;

/// The length of every state, about that of a phrase's state after the text encoder's final norm.
///
/// Source: GLIGEN `gligen_inference.py`, `get_clip_feature`.
const LENGTH: f64 = 28.7;
/// The least length that is divided by: a state of zeros stays so.
const SHORTEST: f64 = f32::MIN_POSITIVE as f64;

/// The map that CLIP itself has in the other direction: the transpose of its text projection.
///
/// Source: diffusers `pipelines/stable_diffusion/clip_image_project_model.py`, `CLIPImageProjection`.
#[derive(Module, Debug)]
pub struct ClipImageProjection {
    project: Linear,
}

impl ClipImageProjection {
    /// A map of `width` channels that waits for its weights.
    pub fn new(width: usize, device: &Device) -> Self {
        Self { project: Linear::new(width, width, false, device) }
    }

    /// `image_embeds`, `[pictures, width]`, of any length, to states as GLIGEN was trained on: `[pictures, width]`,
    /// each 28.7 long.
    ///
    /// Source: diffusers `pipeline_stable_diffusion_gligen_text_image.py`, `get_clip_feature`.
    pub fn forward(&self, image_embeds: Tensor<2>) -> Tensor<2> {
        let states = self.project.forward(image_embeds);
        let lengths = states.clone().square().sum_dim(1).sqrt().clamp_min(SHORTEST); // [pictures, 1]
        states / lengths * LENGTH
    }
}

/// Reads the width in the text of an `image_project/config.json`.
pub(crate) fn parse_width(text: &str) -> Result<usize, ConfigError> {
    let keys = ConfigKeys::parse("config.json of the image projection", text)?;
    keys.refuse_unless("_class_name", &json!("CLIPImageProjection"))?;
    keys.size("hidden_size", 768)
}
