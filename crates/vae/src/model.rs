//! The whole network: load, encode, decode.

use std::path::Path;

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_components::{Autoencoder, BoxError, Posterior};
use gligen_nn::Conv2d;
use gligen_weights::{Part, Weights};

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::posterior::posterior;
use crate::tiles::{self, Tiling};
use crate::{AutoencoderKlConfig, VaeError};

/// The autoencoder of a published checkpoint; immutable once loaded.
///
/// Source: diffusers `models/autoencoders/autoencoder_kl.py`, `AutoencoderKL`.
#[derive(Module, Debug)]
pub struct AutoencoderKl {
    encoder: Encoder,
    decoder: Decoder,
    quant_conv: Option<Conv2d>,
    post_quant_conv: Option<Conv2d>,
    #[module(skip)]
    config: AutoencoderKlConfig,
    #[module(skip)]
    tiling: Tiling,
}

impl AutoencoderKl {
    /// A network of the shape that `config` says, whose parameters wait for a checkpoint.
    pub(crate) fn new(config: &AutoencoderKlConfig, device: &Device) -> Self {
        let pointwise = |channels| Conv2d::new(channels, channels, 1, device);
        Self {
            encoder: Encoder::new(config, device),
            decoder: Decoder::new(config, device),
            quant_conv: config.use_quant_conv.then(|| pointwise(2 * config.latent_channels)),
            post_quant_conv: config.use_post_quant_conv.then(|| pointwise(config.latent_channels)),
            config: config.clone(),
            tiling: Tiling::default(),
        }
    }

    /// Loads a published `vae` folder: `config.json`, and the weights as safetensors or pickled.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, VaeError> {
        let path = folder.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(|source| VaeError::Read { path, source })?;
        let weights = Weights::find(folder, &["diffusion_pytorch_model"])?;
        Self::from_parts(&text, &weights, device)
    }

    /// The network that `config`, the text of a `config.json`, and `weights` give.
    pub fn from_parts(config: &str, weights: &Weights, device: &Device) -> Result<Self, VaeError> {
        let module = AutoencoderKlConfig::from_json(config)?.init(device);
        Ok(weights.load(module, &Part::Vae.key_map())?)
    }

    /// The same network, which decodes tile by tile as `tiling` says.
    pub fn with_tiling(self, tiling: Tiling) -> Self {
        Self { tiling, ..self }
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &AutoencoderKlConfig {
        &self.config
    }
}

impl Autoencoder for AutoencoderKl {
    fn scaling_factor(&self) -> f64 {
        self.config.scaling_factor
    }

    fn downscale(&self) -> usize {
        self.config.downscale()
    }

    fn encode(&self, pictures: Tensor<4>) -> Result<Posterior, BoxError> {
        let [batch, channels, height, width] = pictures.dims();
        let side = self.downscale();
        let whole = |length: usize| length > 0 && length.is_multiple_of(side);
        if batch == 0 || channels != self.config.in_channels || !whole(height) || !whole(width) {
            return Err(VaeError::Shape {
                tensor: "pictures",
                expected: format!(
                    "[batch, {}, height, width] with sides that are multiples of {side}",
                    self.config.in_channels
                ),
                found: pictures.dims().to_vec(),
            }
            .into());
        }
        let moments = self.encoder.forward(pictures);
        let moments = match &self.quant_conv {
            Some(conv) => conv.forward(moments),
            None => moments,
        };
        Ok(posterior(moments))
    }

    fn decode(&self, latents: Tensor<4>) -> Result<Tensor<4>, BoxError> {
        let [batch, channels, height, width] = latents.dims();
        if batch == 0 || channels != self.config.latent_channels || height == 0 || width == 0 {
            return Err(VaeError::Shape {
                tensor: "latents",
                expected: format!("[batch, {}, height, width], none of them 0", self.config.latent_channels),
                found: latents.dims().to_vec(),
            }
            .into());
        }
        let latents = match &self.post_quant_conv {
            Some(conv) => conv.forward(latents),
            None => latents,
        };
        let x = self.decoder.bottom(latents);
        Ok(match self.tiling.applies(height, width) {
            true => {
                let scale = self.downscale() * height / x.dims()[2];
                tiles::decode(&x, scale, &self.decoder)
            }
            false => self.decoder.top(x),
        })
    }
}
