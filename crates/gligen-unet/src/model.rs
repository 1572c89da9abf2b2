//! The whole network: load, begin, predict.

use std::ops::Range;
use std::path::Path;

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_components::{BoxError, Conditioning, Denoiser, Denoising};
use gligen_kernels::{map_parts, parts, silu};
use gligen_nn::{Conv2d, GroupNorm, TimestepEmbedding, timestep_features};
use gligen_weights::{KeyMap, Weights};

use crate::blocks::{DownBlock, MidBlock, Step, UpBlock};
use crate::conditioning::{UNetConditioning, part_of};
use crate::position_net::PositionNet;
use crate::{UNetConfig, UNetError};

/// The UNet of a published checkpoint; immutable once loaded.
///
/// Source: diffusers `models/unets/unet_2d_condition.py`, `UNet2DConditionModel`.
#[derive(Module, Debug)]
pub struct UNet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    position_net: Option<PositionNet>,
    #[module(skip)]
    config: UNetConfig,
    #[module(skip)]
    device: Device,
}

impl UNet {
    /// A network of the shape that `config` says, whose parameters wait for a checkpoint.
    pub(crate) fn new(config: &UNetConfig, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let levels = widths.len();
        Self {
            conv_in: Conv2d::new(config.in_channels, widths[0], 3, device),
            time_embedding: TimestepEmbedding::new(widths[0], config.time_width(), device),
            down_blocks: (0..levels).map(|level| DownBlock::new(config, level, device)).collect(),
            mid_block: MidBlock::new(config, device),
            up_blocks: (0..levels).rev().map(|level| UpBlock::new(config, level, device)).collect(),
            conv_norm_out: GroupNorm::new(config.norm_num_groups, widths[0], config.norm_eps, device),
            conv_out: Conv2d::new(widths[0], config.out_channels, 3, device),
            position_net: PositionNet::new(config, device),
            config: config.clone(),
            device: device.clone(),
        }
    }

    /// Loads a published `unet` folder: `config.json`, and the weights as safetensors or pickled.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, UNetError> {
        let path = folder.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(|source| UNetError::Read { path, source })?;
        let weights = Weights::find(folder, &["diffusion_pytorch_model"])?;
        Self::from_parts(&text, &weights, device)
    }

    /// The network that `config`, the text of a `config.json`, and `weights` give.
    pub fn from_parts(config: &str, weights: &Weights, device: &Device) -> Result<Self, UNetError> {
        let module = UNetConfig::from_json(config)?.init(device);
        Ok(weights.load(module, &KeyMap::new())?)
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// Checks that `conditioning` fits this network and itself.
    fn check(&self, conditioning: &Conditioning) -> Result<(), UNetError> {
        let text = &conditioning.encoder_hidden_states;
        let [batch, _, width] = text.dims();
        if width != self.config.cross_attention_dim {
            return Err(UNetError::Shape {
                tensor: "encoder_hidden_states",
                expected: format!("[batch, tokens, {}]", self.config.cross_attention_dim),
                found: text.dims().to_vec(),
            });
        }
        let Some(grounding) = &conditioning.grounding else { return Ok(()) };
        if self.position_net.is_none() {
            return Err(UNetError::NoPositionNet);
        }
        let [_, slots, _] = grounding.boxes.dims();
        check("boxes", &grounding.boxes, [batch, slots, 4])?;
        check("masks", &grounding.masks, [batch, slots])?;
        check("phrases.embeddings", &grounding.phrases.embeddings, [batch, slots, width])?;
        check("phrases.masks", &grounding.phrases.masks, [batch, slots])?;
        let Some(images) = &grounding.images else { return Ok(()) };
        if !self.takes_pictures() {
            return Err(UNetError::TakesNoPictures);
        }
        check("images.embeddings", &images.embeddings, [batch, slots, width])?;
        check("images.masks", &images.masks, [batch, slots])
    }

    /// What the blocks need to know of `conditioning`, which has been checked, for the part `samples` of its batch.
    fn prepare(&self, conditioning: &Conditioning, samples: Range<usize>) -> UNetConditioning {
        let part = part_of(conditioning, &samples);
        let text = &part.encoder_hidden_states;
        let grounding = self.position_net.as_ref().zip(part.grounding.as_ref());
        let grounding = grounding.map(|(position_net, grounding)| position_net.forward(grounding));
        let grounding = grounding.as_ref(); // [samples, tokens, channels]
        UNetConditioning {
            samples,
            down: self.down_blocks.iter().map(|block| block.prepare(text, grounding)).collect(),
            mid: self.mid_block.prepare(text, grounding),
            up: self.up_blocks.iter().map(|block| block.prepare(text, grounding)).collect(),
        }
    }

    fn forward(
        &self,
        latents: Tensor<4>,
        timestep: f64,
        grounding_scale: f64,
        conditioning: &UNetConditioning,
    ) -> Tensor<4> {
        let config = &self.config;
        let features = timestep_features(
            &[timestep],
            config.block_out_channels[0],
            config.flip_sin_to_cos,
            config.freq_shift,
            &self.device,
        );
        // Every ResNet block begins with the SiLU of the same embedding, so it is taken here, once.
        let time = silu(self.time_embedding.forward(features)); // [1, time width]
        let step = Step { time: &time, grounding_scale };

        let mut x = self.conv_in.forward(latents);
        let mut skips = vec![x.clone()];
        for (block, conditioning) in self.down_blocks.iter().zip(&conditioning.down) {
            x = block.forward(x, step, conditioning, &mut skips);
        }
        x = self.mid_block.forward(x, step, &conditioning.mid);
        for (block, conditioning) in self.up_blocks.iter().zip(&conditioning.up) {
            x = block.forward(x, step, conditioning, &mut skips);
        }
        self.conv_out.forward(self.conv_norm_out.forward_silu(x))
    }
}

impl Denoiser for UNet {
    fn in_channels(&self) -> usize {
        self.config.in_channels
    }

    fn out_channels(&self) -> usize {
        self.config.out_channels
    }

    fn sample_size(&self) -> usize {
        self.config.sample_size
    }

    fn context_width(&self) -> usize {
        self.config.cross_attention_dim
    }

    fn grounding_width(&self) -> Option<usize> {
        self.position_net.as_ref().map(|_| self.config.cross_attention_dim)
    }

    fn takes_pictures(&self) -> bool {
        matches!(self.position_net, Some(PositionNet::TextImage(_)))
    }

    fn begin<'a>(&'a self, conditioning: &Conditioning) -> Result<Box<dyn Denoising + 'a>, BoxError> {
        self.check(conditioning)?;
        let batch = conditioning.encoder_hidden_states.dims()[0];
        let parts = parts(&self.device, batch);
        let parts = parts.into_iter().map(|samples| self.prepare(conditioning, samples)).collect();
        Ok(Box::new(Run { unet: self, batch, parts }))
    }
}

/// One generation under way.
struct Run<'a> {
    unet: &'a UNet,
    /// Samples in the batch.
    batch: usize,
    /// The parts in which they are computed.
    parts: Vec<UNetConditioning>,
}

impl Denoising for Run<'_> {
    fn predict(
        &mut self,
        latents: Tensor<4>,
        timestep: f64,
        grounding_scale: f64,
    ) -> Result<Tensor<4>, BoxError> {
        let [_, _, height, width] = latents.dims();
        check("latents", &latents, [self.batch, self.unet.config.in_channels, height, width])?;
        let unet = self.unet;
        let predictions = map_parts(&unet.device, &self.parts, |part| {
            let latents = latents.clone().narrow(0, part.samples.start, part.samples.len());
            unet.forward(latents, timestep, grounding_scale, part)
        });
        Ok(Tensor::cat(predictions, 0))
    }
}

fn check<const D: usize>(
    tensor: &'static str,
    found: &Tensor<D>,
    expected: [usize; D],
) -> Result<(), UNetError> {
    if found.dims() == expected {
        return Ok(());
    }
    Err(UNetError::Shape { tensor, expected: format!("{expected:?}"), found: found.dims().to_vec() })
}
