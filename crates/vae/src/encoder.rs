//! The encoder: from a picture down to the numbers of a posterior.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_nn::{Conv2d, Downsample2d, GroupNorm, Padding, ResnetBlock2d};

use crate::AutoencoderKlConfig;
use crate::mid_block::MidBlock;
use crate::resnet::{EPSILON, resnet};

/// The network from pictures to mean and log-variance of their latents, before `quant_conv`.
///
/// Source: diffusers `models/autoencoders/vae.py`, `Encoder` with `double_z`.
#[derive(Module, Debug)]
pub struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<EncoderBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    pub(crate) fn new(config: &AutoencoderKlConfig, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let bottom = widths[widths.len() - 1];
        Self {
            conv_in: Conv2d::new(config.in_channels, widths[0], 3, device),
            down_blocks: (0..widths.len()).map(|level| EncoderBlock::new(config, level, device)).collect(),
            mid_block: MidBlock::new(config, bottom, device),
            conv_norm_out: GroupNorm::new(config.norm_num_groups, bottom, EPSILON, device),
            conv_out: Conv2d::new(bottom, 2 * config.latent_channels, 3, device),
        }
    }

    /// `[batch, 3, height, width]` to `[batch, 2 · latent channels, height / downscale, width / downscale]`.
    pub(crate) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let x = self.conv_in.forward(pictures);
        let x = self.down_blocks.iter().fold(x, |x, block| block.forward(x));
        let x = self.mid_block.forward(x);
        self.conv_out.forward(self.conv_norm_out.forward_silu(x))
    }
}

/// ResNet blocks, then, except at the bottom level, a halving of the sides.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `DownEncoderBlock2D`.
#[derive(Module, Debug)]
pub struct EncoderBlock {
    resnets: Vec<ResnetBlock2d>,
    downsamplers: Option<[Downsample2d; 1]>,
}

impl EncoderBlock {
    fn new(config: &AutoencoderKlConfig, level: usize, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let (channels, above) = (widths[level], widths[level.saturating_sub(1)]);
        let resnets = (0..config.layers_per_block)
            .map(|i| resnet(config, if i == 0 { above } else { channels }, channels, device));
        let last = level + 1 == widths.len();
        Self {
            resnets: resnets.collect(),
            downsamplers: (!last).then(|| [Downsample2d::new(channels, Padding::BottomRight, device)]),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.resnets.iter().fold(x, |x, resnet| resnet.forward(x, None));
        match &self.downsamplers {
            Some([downsampler]) => downsampler.forward(x),
            None => x,
        }
    }
}
