//! Single layers at the sizes of Stable Diffusion 1.4 at 512×512, two pictures at once as guidance needs them.

use burn::Tensor;
use burn::tensor::Device;
use gligen_kernels::{attention, geglu};
use gligen_nn::{
    Conv2d, Downsample2d, FeedForward, GroupNorm, LayerNorm, Linear, Padding, ResnetBlock2d, Upsample2d,
};
use gligen_pipeline::sd1_configs;
use gligen_unet::transformer::TransformerBlock;
use gligen_unet::{Fuser, UNetConfig, UNetError};

use crate::clock::layer;
use crate::random::{fill, tensor};

/// Times every layer. The names are those of `reference.py`.
pub(crate) fn time() -> Result<(), UNetError> {
    let device = Device::flex();
    feature_maps(&device);
    tokens(&device);
    blocks_of_tokens(&device)
}

fn feature_maps(device: &Device) {
    let pixels = |channels, side| tensor("x", [2, channels, side, side], device);
    for (channels, side) in [(320, 64), (640, 32), (1280, 16)] {
        let (conv, x) = (fill(Conv2d::new(channels, channels, 3, device)), pixels(channels, side));
        layer(&format!("conv 3×3, {channels} channels, {side}×{side}"), || conv.forward(x.clone()));
    }
    let (conv, x) = (fill(Conv2d::new(128, 128, 3, device)), tensor("x", [1, 128, 512, 512], device));
    layer("conv 3×3, 128 channels, 512×512, one picture", || conv.forward(x.clone()));
    let (conv, x) = (fill(Conv2d::new(320, 320, 1, device)), pixels(320, 64));
    layer("conv 1×1, 320 channels, 64×64", || conv.forward(x.clone()));
    let (down, x) = (fill(Downsample2d::new(320, Padding::Even(1), device)), pixels(320, 64));
    layer("downsample, 320 channels, 64×64", || down.forward(x.clone()));
    let (up, x) = (fill(Upsample2d::new(640, device)), pixels(640, 32));
    layer("upsample, 640 channels, 32×32", || up.forward(x.clone(), [64, 64]));
    let (norm, x) = (fill(GroupNorm::new(32, 320, 1e-5, device)), pixels(320, 64));
    layer("group norm and SiLU, 320 channels, 64×64", || norm.forward_silu(x.clone()));
    for (channels, side) in [(320, 64), (1280, 16)] {
        let block = fill(ResnetBlock2d::new(channels, channels, Some(1280), 32, 1e-5, device));
        let (x, time) = (pixels(channels, side), tensor("time", [2, 1280], device));
        layer(&format!("ResNet block, {channels} channels, {side}×{side}"), || {
            block.forward(x.clone(), Some(time.clone()))
        });
    }
}

fn tokens(device: &Device) {
    for (width, count) in [(320, 4096), (1280, 256)] {
        let linear = fill(Linear::new(width, width, true, device));
        let x: Tensor<3> = tensor("x", [2, count, width], device);
        layer(&format!("linear {width} → {width}, {count} tokens"), || linear.forward(x.clone()));
    }
    let norm = fill(LayerNorm::new(320, 1e-5, device));
    let x: Tensor<3> = tensor("x", [2, 4096, 320], device);
    layer("layer norm, 4096 tokens of 320", || norm.forward(x.clone()));
    let x: Tensor<3> = tensor("x", [2, 4096, 2560], device);
    layer("GEGLU, 4096 tokens of 1280", || geglu(x.clone()));
    let (feed_forward, x) = (fill(FeedForward::new(320, device)), tensor("x", [2, 4096, 320], device));
    layer("feed-forward, 4096 tokens of 320", || feed_forward.forward(x.clone()));

    let heads = |name: &str, heads, count, width| tensor::<4>(name, [2, heads, count, width], device);
    let attend = |what: &str, number, to, width| {
        let (q, k, v) =
            (heads("q", number, 4096, width), heads("k", number, to, width), heads("v", number, to, width));
        layer(what, || attention(q.clone(), k.clone(), v.clone(), false));
    };
    attend("attention, 4096 tokens, 8 heads of 40", 8, 4096, 40);
    attend("attention, 4096 tokens to 77, 8 heads of 40", 8, 77, 40);
    attend("attention, 4096 tokens, 1 head of 512", 1, 4096, 512);
}

/// What the timestep does not change is prepared outside of the clock, as in a generation.
fn blocks_of_tokens(device: &Device) -> Result<(), UNetError> {
    let x: Tensor<3> = tensor("x", [2, 4096, 320], device);
    let objects: Tensor<3> = tensor("objects", [2, 30, 768], device);
    let text: Tensor<3> = tensor("text", [2, 77, 768], device);

    let fuser = fill(Fuser::new(320, 768, 8, device));
    let grounding = fuser.prepare(objects.clone());
    layer("fuser, 4096 tokens of 320, 30 objects", || fuser.forward(x.clone(), &grounding, 1.0));

    let config = UNetConfig::from_json(&sd1_configs::unet(4, "gated").to_string())?;
    let block = fill(TransformerBlock::new(&config, 320, 8, device));
    let conditioning = block.prepare(&text, Some(&objects));
    layer("transformer block, 4096 tokens of 320, 30 objects", || {
        block.forward(x.clone(), &conditioning, 1.0)
    });
    Ok(())
}
