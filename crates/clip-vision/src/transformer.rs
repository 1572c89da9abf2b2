//! The vision transformer: pixels to a state for each picture.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_kernels::{linear, map_parts, parts};
use gligen_nn::{ClipEncoder, Embedding, LayerNorm, Linear, parameter};
use gligen_weights::KeyMap;

use crate::ClipVisionConfig;

/// CLIP's vision tower, up to the norm of its pooled state.
///
/// The fields are the keys of a checkpoint below `vision_model`; one of them is misspelt there.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPVisionModel`.
#[derive(Module, Debug)]
pub struct ClipVisionTransformer {
    embeddings: Embeddings,
    pre_layrnorm: LayerNorm,
    encoder: ClipEncoder,
    post_layernorm: LayerNorm,
}

impl ClipVisionTransformer {
    /// A transformer that waits for its weights.
    pub fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let norm = || LayerNorm::new(config.hidden_size, config.layer_norm_eps, device);
        Self {
            embeddings: Embeddings::new(config, device),
            pre_layrnorm: norm(),
            encoder: ClipEncoder::new(
                config.num_hidden_layers,
                config.hidden_size,
                config.intermediate_size,
                config.num_attention_heads,
                config.hidden_act,
                config.layer_norm_eps,
                device,
            ),
            post_layernorm: norm(),
        }
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.encoder.depth()
    }

    /// `pixel_values`, `[pictures, 3, image_size, image_size]`, to the states after `depth` layers, `[pictures, tokens,
    /// channels]`: the first token is the whole picture's, then come those of its patches, row by row.
    ///
    /// # Panics
    ///
    /// If `depth` is more than [`ClipVisionTransformer::depth`].
    pub fn hidden_states(&self, pixel_values: Tensor<4>, depth: usize) -> Tensor<3> {
        let tokens = self.pre_layrnorm.forward(self.embeddings.forward(pixel_values));
        self.encoder.forward(tokens, 0..depth, false)
    }

    /// `pixel_values`, as for [`ClipVisionTransformer::hidden_states`], to the state of each picture's first token,
    /// `[pictures, channels]`.
    pub fn pooled(&self, pixel_values: Tensor<4>) -> Tensor<2> {
        let hidden_states = self.hidden_states(pixel_values, self.depth());
        self.post_layernorm.forward(hidden_states.narrow(1, 0, 1).squeeze_dim(1))
    }
}

/// The vision tower with the projection of its pooled state: what an image encoder is, and a safety checker's half.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPVisionModelWithProjection`.
#[derive(Module, Debug)]
pub struct ClipVisionModel {
    vision_model: ClipVisionTransformer,
    visual_projection: Linear,
}

impl ClipVisionModel {
    /// A model that waits for its weights.
    pub fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        Self {
            vision_model: ClipVisionTransformer::new(config, device),
            visual_projection: Linear::new(config.hidden_size, config.projection_dim, false, device),
        }
    }

    /// The tower.
    pub fn vision_model(&self) -> &ClipVisionTransformer {
        &self.vision_model
    }

    /// `pixel_values`, `[pictures, 3, image_size, image_size]`, to `[pictures, projection_dim]`. At least one picture.
    pub fn image_embeds(&self, pixel_values: Tensor<4>) -> Tensor<2> {
        let device = pixel_values.device();
        let parts = parts(&device, pixel_values.dims()[0]);
        let embeds = map_parts(&device, &parts, |part| {
            let pixel_values = pixel_values.clone().narrow(0, part.start, part.len());
            self.visual_projection.forward(self.vision_model.pooled(pixel_values))
        });
        Tensor::cat(embeds, 0)
    }
}

/// A token for the whole picture, one for each patch, and a learned row for each place.
#[derive(Module, Debug)]
struct Embeddings {
    class_embedding: Param<Tensor<1>>,
    patch_embedding: PatchEmbedding,
    position_embedding: Embedding,
    grid: usize,
}

impl Embeddings {
    fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let (width, grid, side) = (config.hidden_size, config.grid(), config.patch_size);
        Self {
            class_embedding: parameter([width], device),
            patch_embedding: PatchEmbedding { weight: parameter([width, 3, side, side], device) },
            position_embedding: Embedding::new(1 + grid * grid, width, device),
            grid,
        }
    }

    /// `[pictures, 3, image_size, image_size]` to `[pictures, 1 + patches, channels]`.
    fn forward(&self, pixel_values: Tensor<4>) -> Tensor<3> {
        let patches = self.patch_embedding.forward(pixel_values, self.grid);
        let [pictures, count, width] = patches.dims();
        let class = self.class_embedding.val().reshape([1, 1, width]).expand([pictures, 1, width]);
        Tensor::cat(vec![class, patches], 1) + self.position_embedding.first(1 + count).unsqueeze()
    }
}

/// The same map of every patch: in the checkpoint a convolution whose stride is its size, here a matrix product.
#[derive(Module, Debug)]
struct PatchEmbedding {
    /// `[channels, 3, patch_size, patch_size]`.
    weight: Param<Tensor<4>>,
}

impl PatchEmbedding {
    /// `[pictures, 3, image_size, image_size]` to `[pictures, grid², channels]`.
    fn forward(&self, pixel_values: Tensor<4>, grid: usize) -> Tensor<3> {
        let [pictures, channels, _, _] = pixel_values.dims();
        let [width, _, side, _] = self.weight.dims();
        let covered = grid * side;
        let patches = pixel_values
            .narrow(2, 0, covered)
            .narrow(3, 0, covered)
            .reshape([pictures, channels, grid, side, grid, side])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([pictures, grid * grid, channels * side * side]);
        linear(patches, self.weight.val().reshape([width, channels * side * side]), None, None)
    }
}

/// From the keys of a checkpoint, which may have one prefix `vision_model.` too many or lack it, may store the numbers
/// of the places, and may be a whole CLIP's.
pub(crate) fn key_map() -> KeyMap {
    let parts = ["embeddings", "pre_layrnorm", "encoder", "post_layernorm"];
    let ignored = ["position_ids", "text_model", "text_projection", "logit_scale"];
    let map = ignored.into_iter().fold(KeyMap::new(), KeyMap::ignore);
    let map = map.strip_prefix("vision_model.").strip_prefix("vision_model.");
    parts.into_iter().fold(map, |map, part| map.rename_segment(part, &format!("vision_model.{part}")))
}
