//! Pictures of objects to states: preprocessing, transformer and projection together.

use std::path::Path;

use burn::Tensor;
use burn::tensor::Device;
use gligen_components::{BoxError, ImageEncoder};
use gligen_pictures::Picture;
use gligen_weights::{KeyMap, Weights};

use crate::config::read_config;
use crate::image_projection::parse_width;
use crate::transformer::key_map;
use crate::{ClipImageProjection, ClipVisionConfig, ClipVisionModel, Error, Preprocessor};

/// A CLIP image encoder with its preprocessing and GLIGEN's projection into the space of phrases.
#[derive(Debug)]
pub struct ClipImageEncoder {
    preprocessor: Preprocessor,
    model: ClipVisionModel,
    projection: ClipImageProjection,
    config: ClipVisionConfig,
    device: Device,
}

impl ClipImageEncoder {
    /// Loads the folders `image_encoder`, `image_project` and `processor` of a published model.
    ///
    /// # Errors
    ///
    /// If a folder or file is missing or malformed, a weight is missing or of another shape, or the folders do not
    /// belong together.
    pub fn load(
        image_encoder: impl AsRef<Path>,
        image_project: impl AsRef<Path>,
        processor: impl AsRef<Path>,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::load_with(image_encoder, image_project, processor, |weights| weights, device)
    }

    /// [`ClipImageEncoder::load`] with what `prepare` makes of the weights of either network.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn load_with(
        image_encoder: impl AsRef<Path>,
        image_project: impl AsRef<Path>,
        processor: impl AsRef<Path>,
        mut prepare: impl FnMut(Weights) -> Weights,
        device: &Device,
    ) -> Result<Self, Error> {
        let (folder, project) = (image_encoder.as_ref(), image_project.as_ref());
        let config = read_config(folder)?;
        if !project.is_dir() {
            return Err(Error::NoImageProject { folder: project.into() });
        }
        let projection_config = read_config(project)?;
        let weights = prepare(Weights::find(folder, &["model", "pytorch_model"])?);
        let projection_weights = prepare(Weights::find(project, &["diffusion_pytorch_model"])?);
        let preprocessor = Preprocessor::load(processor)?;
        Self::from_parts(&config, &weights, &projection_config, &projection_weights, preprocessor, device)
    }

    /// Puts an encoder together from its parts, wherever they were read from: `config` and `projection_config` are the
    /// texts of `image_encoder/config.json` and `image_project/config.json`.
    ///
    /// # Errors
    ///
    /// If a value is not supported, a weight is missing or of another shape, or the parts do not belong together.
    pub fn from_parts(
        config: &str,
        weights: &Weights,
        projection_config: &str,
        projection_weights: &Weights,
        preprocessor: Preprocessor,
        device: &Device,
    ) -> Result<Self, Error> {
        let config = ClipVisionConfig::parse_image_encoder(config)?;
        preprocessor.check_fits("image encoder", &config)?;
        let width = parse_width(projection_config)?;
        if width != config.projection_dim {
            return Err(Error::Mismatch {
                part: "image projection",
                to: "image encoder",
                what: "channels of a state",
                expected: config.projection_dim.to_string(),
                found: width.to_string(),
            });
        }
        let model = weights.load(ClipVisionModel::new(&config, device), &key_map())?;
        let projection = projection_weights.load(ClipImageProjection::new(width, device), &KeyMap::new())?;
        Ok(Self { preprocessor, model, projection, config, device: device.clone() })
    }

    /// The vision transformer's shape.
    pub fn config(&self) -> &ClipVisionConfig {
        &self.config
    }

    /// The network, for who wants more of a picture than its state in the space of phrases.
    pub fn model(&self) -> &ClipVisionModel {
        &self.model
    }

    /// Encodes pictures of any size: `[pictures, channels]`, each state 28.7 long.
    ///
    /// # Errors
    ///
    /// If a picture does not fit into memory.
    pub fn encode(&self, pictures: &[Picture]) -> Result<Tensor<2>, Error> {
        if pictures.is_empty() {
            return Ok(Tensor::zeros([0, self.config.projection_dim], &self.device));
        }
        let pixel_values = self.preprocessor.pixel_values(pictures, &self.device)?;
        Ok(self.projection.forward(self.model.image_embeds(pixel_values)))
    }
}

impl ImageEncoder for ClipImageEncoder {
    fn width(&self) -> usize {
        self.config.projection_dim
    }

    fn encode(&self, pictures: &[Picture]) -> Result<Tensor<2>, BoxError> {
        Ok(self.encode(pictures)?)
    }
}
