//! The blocks of the U: down, middle and up.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;
use gligen_nn::{Downsample2d, Padding, ResnetBlock2d, Upsample2d};

use crate::UNetConfig;
use crate::conditioning::PlaceConditioning;
use crate::transformer::Transformer2d;

/// What every block is told at a step.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    /// SiLU of the time embedding, `[1, time width]`.
    pub(crate) time: &'a Tensor<2>,
    /// Factor on the fusers' gates.
    pub(crate) grounding_scale: f64,
}

/// ResNet blocks, each followed by a transformer where the level has attention, then a halving of the sides.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `CrossAttnDownBlock2D` and `DownBlock2D`.
#[derive(Module, Debug)]
pub struct DownBlock {
    resnets: Vec<ResnetBlock2d>,
    /// As many as `resnets`, or none.
    attentions: Vec<Transformer2d>,
    downsamplers: Option<[Downsample2d; 1]>,
}

impl DownBlock {
    pub(crate) fn new(config: &UNetConfig, level: usize, device: &Device) -> Self {
        let channels = config.block_out_channels[level];
        let inputs = config.block_out_channels[level.saturating_sub(1)];
        let resnets = (0..config.layers_per_block)
            .map(|i| resnet(config, if i == 0 { inputs } else { channels }, channels, device));
        let last = level + 1 == config.block_out_channels.len();
        Self {
            resnets: resnets.collect(),
            attentions: attentions(
                config,
                config.down_block_types[level].has_attention(),
                config.layers_per_block,
                level,
                device,
            ),
            downsamplers: (!last).then(|| [Downsample2d::new(channels, Padding::Even(1), device)]),
        }
    }

    pub(crate) fn prepare(&self, text: &Tensor<3>, grounding: Option<&Tensor<3>>) -> Vec<PlaceConditioning> {
        self.attentions.iter().map(|attention| attention.prepare(text, grounding)).collect()
    }

    /// Appends the result of every layer to `skips`, for the up blocks.
    pub(crate) fn forward(
        &self,
        mut x: Tensor<4>,
        step: Step,
        conditioning: &[PlaceConditioning],
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, Some(step.time.clone()));
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &conditioning[i], step.grounding_scale);
            }
            skips.push(x.clone());
        }
        if let Some([downsampler]) = &self.downsamplers {
            x = downsampler.forward(x);
            skips.push(x.clone());
        }
        x
    }
}

/// The bottom of the U: ResNet block, transformer, ResNet block.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `UNetMidBlock2DCrossAttn`.
#[derive(Module, Debug)]
pub struct MidBlock {
    resnets: [ResnetBlock2d; 2],
    attentions: [Transformer2d; 1],
}

impl MidBlock {
    pub(crate) fn new(config: &UNetConfig, device: &Device) -> Self {
        let level = config.block_out_channels.len() - 1;
        let channels = config.block_out_channels[level];
        let resnet = || resnet(config, channels, channels, device);
        Self {
            resnets: [resnet(), resnet()],
            attentions: [Transformer2d::new(config, channels, config.heads()[level], device)],
        }
    }

    pub(crate) fn prepare(&self, text: &Tensor<3>, grounding: Option<&Tensor<3>>) -> PlaceConditioning {
        self.attentions[0].prepare(text, grounding)
    }

    pub(crate) fn forward(&self, x: Tensor<4>, step: Step, conditioning: &PlaceConditioning) -> Tensor<4> {
        let x = self.resnets[0].forward(x, Some(step.time.clone()));
        let x = self.attentions[0].forward(x, conditioning, step.grounding_scale);
        self.resnets[1].forward(x, Some(step.time.clone()))
    }
}

/// ResNet blocks, each of which takes a skip connection beside its input, with transformers where the level has
/// attention, then a doubling of the sides.
///
/// Source: diffusers `models/unets/unet_2d_blocks.py`, `CrossAttnUpBlock2D` and `UpBlock2D`.
#[derive(Module, Debug)]
pub struct UpBlock {
    resnets: Vec<ResnetBlock2d>,
    /// As many as `resnets`, or none.
    attentions: Vec<Transformer2d>,
    upsamplers: Option<[Upsample2d; 1]>,
}

impl UpBlock {
    /// The block at `level`, counted from the top; the bottom one comes first on the way up.
    pub(crate) fn new(config: &UNetConfig, level: usize, device: &Device) -> Self {
        let widths = &config.block_out_channels;
        let (channels, last) = (widths[level], widths.len() - 1);
        let below = widths[(level + 1).min(last)];
        let above = widths[level.saturating_sub(1)];
        let layers = config.layers_per_block + 1;
        let resnets = (0..layers).map(|i| {
            let from_below = if i == 0 { below } else { channels };
            // Skips come back in the reverse order: the last one left the level above, halved.
            let skip = if i == layers - 1 { above } else { channels };
            resnet(config, from_below + skip, channels, device)
        });
        Self {
            resnets: resnets.collect(),
            attentions: attentions(
                config,
                config.up_block_types[last - level].has_attention(),
                layers,
                level,
                device,
            ),
            upsamplers: (level > 0).then(|| [Upsample2d::new(channels, device)]),
        }
    }

    pub(crate) fn prepare(&self, text: &Tensor<3>, grounding: Option<&Tensor<3>>) -> Vec<PlaceConditioning> {
        self.attentions.iter().map(|attention| attention.prepare(text, grounding)).collect()
    }

    /// Takes one skip connection off the end of `skips` for each layer.
    pub(crate) fn forward(
        &self,
        mut x: Tensor<4>,
        step: Step,
        conditioning: &[PlaceConditioning],
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        let first = skips.len() - self.resnets.len();
        let own = skips.split_off(first);
        for ((i, resnet), skip) in self.resnets.iter().enumerate().zip(own.into_iter().rev()) {
            x = resnet.forward(Tensor::cat(vec![x, skip], 1), Some(step.time.clone()));
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &conditioning[i], step.grounding_scale);
            }
        }
        match (&self.upsamplers, skips.last()) {
            (Some([upsampler]), Some(next)) => {
                // Not always twice the size: an odd side was rounded up when it was halved.
                let [_, _, height, width] = next.dims();
                upsampler.forward(x, [height, width])
            }
            _ => x,
        }
    }
}

fn resnet(config: &UNetConfig, inputs: usize, outputs: usize, device: &Device) -> ResnetBlock2d {
    let (groups, epsilon) = (config.norm_num_groups, config.norm_eps);
    ResnetBlock2d::new(inputs, outputs, Some(config.time_width()), groups, epsilon, device)
}

fn attentions(
    config: &UNetConfig,
    has_attention: bool,
    layers: usize,
    level: usize,
    device: &Device,
) -> Vec<Transformer2d> {
    let (channels, heads) = (config.block_out_channels[level], config.heads()[level]);
    let layers = if has_attention { layers } else { 0 };
    (0..layers).map(|_| Transformer2d::new(config, channels, heads, device)).collect()
}
