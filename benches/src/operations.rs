//! How many multiplications the networks take, counted from their configurations.
//!
//! Those of convolutions (done directly, nine for each pair of channels of a 3×3 one), of linear maps and of attention.
//! What is computed once per generation, and what is done number by number, is left out: it is under a hundredth.

use gligen_clip_text::ClipTextConfig;
use gligen_clip_vision::ClipVisionConfig;
use gligen_unet::{AttentionType, UNetConfig};
use gligen_vae::AutoencoderKlConfig;

/// Tokens of a caption.
const TEXT: usize = 77;
/// Slots for objects, whether they are taken or not.
const SLOTS: usize = 30;

/// One sample through a UNet, whose latents are `side` × `side`.
pub(crate) fn unet(config: &UNetConfig, side: usize, fusers: bool) -> f64 {
    let widths = &config.block_out_channels;
    let area = |level: usize| (side >> level) * (side >> level);
    let last = widths.len() - 1;
    // From the top level down, as the blocks of the way down are listed.
    let has_attention = |level: usize| config.down_block_types[level].has_attention();
    let transformer = |level: usize| transformer(config, area(level), widths[level], fusers);

    let mut count = area(0) * 9 * widths[0] * (config.in_channels + config.out_channels);
    let mut channels = widths[0];
    for (level, &outputs) in widths.iter().enumerate() {
        for _ in 0..config.layers_per_block {
            count += resnet(area(level), channels, outputs);
            channels = outputs;
            if has_attention(level) {
                count += transformer(level);
            }
        }
        if level < last {
            count += 9 * area(level + 1) * outputs * outputs;
        }
    }
    count += 2 * resnet(area(last), channels, channels) + transformer(last);
    for level in (0..widths.len()).rev() {
        let outputs = widths[level];
        for layer in 0..=config.layers_per_block {
            // The last of a level gets what the level before it began with.
            let is_last = layer == config.layers_per_block;
            let skipped = if is_last { widths[level.saturating_sub(1)] } else { outputs };
            count += resnet(area(level), channels + skipped, outputs);
            channels = outputs;
            if has_attention(level) {
                count += transformer(level);
            }
        }
        if level > 0 {
            count += 9 * area(level - 1) * outputs * outputs;
        }
    }
    count as f64
}

/// One picture out of an autoencoder, from latents that are `side` × `side`.
pub(crate) fn decoder(config: &AutoencoderKlConfig, side: usize) -> f64 {
    let widths = &config.block_out_channels;
    let bottom = widths[widths.len() - 1];
    let area = side * side;
    let attention = area * (4 * bottom * bottom + 2 * area * bottom);
    let mut count = 9 * area * config.latent_channels * bottom + 2 * resnet(area, bottom, bottom) + attention;
    let (mut area, mut channels) = (area, bottom);
    for (level, &outputs) in widths.iter().enumerate().rev() {
        for _ in 0..=config.layers_per_block {
            count += resnet(area, channels, outputs);
            channels = outputs;
        }
        if level > 0 {
            area *= 4;
            count += 9 * area * outputs * outputs;
        }
    }
    (count + 9 * area * channels * config.out_channels) as f64
}

/// One text, padded to the length of all.
pub(crate) fn text_encoder(config: &ClipTextConfig) -> f64 {
    let tokens = config.max_position_embeddings;
    clip(config.num_hidden_layers, tokens, config.hidden_size, config.intermediate_size)
}

/// One picture of an object.
pub(crate) fn image_encoder(config: &ClipVisionConfig) -> f64 {
    let patches = (config.image_size / config.patch_size).pow(2);
    let embedding = patches * 3 * config.patch_size.pow(2) * config.hidden_size;
    let layers = clip(config.num_hidden_layers, patches + 1, config.hidden_size, config.intermediate_size);
    embedding as f64 + layers
}

fn resnet(area: usize, inputs: usize, outputs: usize) -> usize {
    let shortcut = if inputs == outputs { 0 } else { inputs * outputs };
    area * (9 * inputs * outputs + 9 * outputs * outputs + shortcut)
}

/// Projections in and out, and between them the blocks: self-attention; the fuser's attention and feed-forward;
/// cross-attention; feed-forward.
fn transformer(config: &UNetConfig, tokens: usize, channels: usize, fusers: bool) -> usize {
    let linear = channels * channels;
    let attention = |keys: usize| 2 * keys * channels;
    let objects = match config.attention_type {
        AttentionType::Default => 0,
        AttentionType::Gated => SLOTS,
        AttentionType::GatedTextImage => 2 * SLOTS,
    };
    let fuser = 4 * linear + attention(tokens + objects) + 12 * linear;
    let block = (4 * linear + attention(tokens))
        + if fusers && objects > 0 { fuser } else { 0 }
        + (2 * linear + attention(TEXT))
        + 12 * linear;
    tokens * (2 * linear + config.transformer_layers_per_block * block)
}

fn clip(layers: usize, tokens: usize, width: usize, inner: usize) -> f64 {
    (layers * tokens * (4 * width * width + 2 * width * inner + 2 * tokens * width)) as f64
}

#[cfg(test)]
mod tests {
    use gligen_pipeline::sd1_configs;
    use serde_json::Value;

    use super::*;
    use crate::sizes::Size;

    /// Against what torch's `FlopCounterMode` counts of diffusers' and transformers' networks, halved.
    fn check(count: f64, torch: f64) {
        let ratio = count / torch;
        assert!((0.99..1.002).contains(&ratio), "{count:e} is {ratio} of {torch:e}");
    }

    fn unet_config(config: Value) -> UNetConfig {
        UNetConfig::from_json(&config.to_string()).unwrap()
    }

    #[test]
    fn a_step_has_those_that_torch_counts() {
        let config = unet_config(sd1_configs::unet(4, "gated"));
        check(unet(&config, 64, true), 568_440_440_320.0);
        check(unet(&config, 64, false), 401_669_160_960.0);
        let ungrounded = unet_config(sd1_configs::unet(4, "default"));
        assert_eq!(unet(&ungrounded, 64, true), unet(&config, 64, false));
    }

    #[test]
    fn a_decoded_picture_has_those_that_torch_counts() {
        let config = AutoencoderKlConfig::from_json(&sd1_configs::vae().to_string()).unwrap();
        check(decoder(&config, 64), 1_257_259_466_752.0);
    }

    #[test]
    fn the_encoders_have_those_that_torch_counts() {
        let config = ClipTextConfig::parse(sd1_configs::text_encoder().to_string().as_bytes()).unwrap();
        check(text_encoder(&config), 6_649_251_840.0);
        let config = Size::Sd14TextImage.configs().pictures.unwrap().image_encoder;
        let config = ClipVisionConfig::parse_image_encoder(&config.to_string()).unwrap();
        check(image_encoder(&config), 81_012_768_768.0);
    }
}
