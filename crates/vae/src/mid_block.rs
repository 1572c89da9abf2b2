//! The middle that encoder and decoder share: a ResNet block, attention between all pixels, a ResNet block.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_kernels::{attention, join_heads, split_heads};
use gligen_nn::{GroupNorm, Linear, ResnetBlock2d};

use crate::AutoencoderKlConfig;
use crate::resnet::{EPSILON, resnet};

/// The blocks at the bottom level.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `UNetMidBlock2D`.
#[derive(Module, Debug)]
pub struct MidBlock {
    attentions: [PixelAttention; 1],
    resnets: [ResnetBlock2d; 2],
}

impl MidBlock {
    pub(crate) fn new(config: &AutoencoderKlConfig, channels: usize, device: &Device) -> Self {
        let resnet = || resnet(config, channels, channels, device);
        Self {
            attentions: [PixelAttention::new(config.norm_num_groups, channels, device)],
            resnets: [resnet(), resnet()],
        }
    }

    /// `[batch, channels, height, width]` to the same.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.resnets[0].forward(x, None);
        let x = self.attentions[0].forward(x);
        self.resnets[1].forward(x, None)
    }
}

/// Self-attention of the pixels of a feature map, in one head as wide as the map has channels, added to the map.
///
/// Unlike the UNet's attention it has its own norm, and a bias on queries, keys and values.
///
/// Source: diffusers `models/attention_processor.py`, `Attention` as `UNetMidBlock2D` sets it up.
#[derive(Module, Debug)]
pub struct PixelAttention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: [Linear; 1],
}

impl PixelAttention {
    pub(crate) fn new(groups: usize, channels: usize, device: &Device) -> Self {
        let map = || Linear::new(channels, channels, true, device);
        Self {
            group_norm: GroupNorm::new(groups, channels, EPSILON, device),
            to_q: map(),
            to_k: map(),
            to_v: map(),
            to_out: [map()],
        }
    }

    /// `[batch, channels, height, width]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let pixels = self.group_norm.forward(x.clone());
        let pixels = pixels.reshape([batch, channels, height * width]).swap_dims(1, 2); // [batch, pixels, channels]
        let queries = split_heads(self.to_q.forward(pixels.clone()), 1);
        let keys = split_heads(self.to_k.forward(pixels.clone()), 1);
        let values = split_heads(self.to_v.forward(pixels), 1);
        let attended = self.to_out[0].forward(join_heads(attention(queries, keys, values, false)));
        x + attended.swap_dims(1, 2).reshape([batch, channels, height, width])
    }
}
