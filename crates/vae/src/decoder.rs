//! The decoder: from latents up to a picture.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_nn::{Conv2d, GroupNorm, ResnetBlock2d, Upsample2d};

use crate::AutoencoderKlConfig;
use crate::mid_block::MidBlock;
use crate::resnet::{EPSILON, resnet};

/// Levels that are decoded tile by tile where a picture is.
const LARGE: usize = 2;

/// The network from latents, after `post_quant_conv`, to pictures.
///
/// Source: diffusers `models/autoencoders/vae.py`, `Decoder` with plain group norms.
#[derive(Module, Debug)]
pub struct Decoder {
    conv_in: Conv2d,
    up_blocks: Vec<DecoderBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub(crate) fn new(config: &AutoencoderKlConfig, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let (top, bottom) = (widths[0], widths[widths.len() - 1]);
        Self {
            conv_in: Conv2d::new(config.latent_channels, bottom, 3, device),
            up_blocks: (0..widths.len())
                .rev()
                .map(|level| DecoderBlock::new(config, level, device))
                .collect(),
            mid_block: MidBlock::new(config, bottom, device),
            conv_norm_out: GroupNorm::new(config.norm_num_groups, top, EPSILON, device),
            conv_out: Conv2d::new(top, config.out_channels, 3, device),
        }
    }

    /// All but the two largest levels, which take by far the most memory: `[batch, latent channels, height, width]` to
    /// more places.
    pub(crate) fn bottom(&self, latents: Tensor<4>) -> Tensor<4> {
        let x = self.mid_block.forward(self.conv_in.forward(latents));
        let blocks = &self.up_blocks[..self.up_blocks.len().saturating_sub(LARGE)];
        blocks.iter().fold(x, |x, block| block.forward(x, &mut GroupNorm::forward_silu))
    }

    /// The rest, up to `[batch, 3, height · downscale, width · downscale]`.
    pub(crate) fn top(&self, x: Tensor<4>) -> Tensor<4> {
        self.top_normed(x, &mut GroupNorm::forward_silu)
    }

    /// [`Decoder::top`] with all norms, and the SiLU after them, by `norm`, which is asked for one after the other.
    pub(crate) fn top_normed(
        &self,
        x: Tensor<4>,
        norm: &mut dyn FnMut(&GroupNorm, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let blocks = &self.up_blocks[self.up_blocks.len().saturating_sub(LARGE)..];
        let x = blocks.iter().fold(x, |x, block| block.forward(x, norm));
        self.conv_out.forward(norm(&self.conv_norm_out, x))
    }
}

/// ResNet blocks, then, except at the top level, a doubling of the sides.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `UpDecoderBlock2D`.
#[derive(Module, Debug)]
pub struct DecoderBlock {
    resnets: Vec<ResnetBlock2d>,
    upsamplers: Option<[Upsample2d; 1]>,
}

impl DecoderBlock {
    /// The block at `level`, counted from the top; the bottom one comes first on the way up.
    fn new(config: &AutoencoderKlConfig, level: usize, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let (channels, below) = (widths[level], widths[(level + 1).min(widths.len() - 1)]);
        let resnets = (0..config.layers_per_block + 1)
            .map(|i| resnet(config, if i == 0 { below } else { channels }, channels, device));
        Self {
            resnets: resnets.collect(),
            upsamplers: (level > 0).then(|| [Upsample2d::new(channels, device)]),
        }
    }

    fn forward(&self, x: Tensor<4>, norm: &mut dyn FnMut(&GroupNorm, Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let x = self.resnets.iter().fold(x, |x, resnet| resnet.forward_normed(x, None, norm));
        let Some([upsampler]) = &self.upsamplers else { return x };
        let [_, _, height, width] = x.dims();
        upsampler.forward(x, [2 * height, 2 * width])
    }
}
