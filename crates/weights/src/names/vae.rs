//! The autoencoder, whose decoder the original numbers from the bottom.
//!
//! Source: `diffusionmodules/model.py` of gligen/GLIGEN.

use super::{MAX_BLOCKS, Names, numbered};

/// The modules of the attention in the middle. The original has its maps as 1×1 convolutions.
const ATTENTION: [(&str, &str); 5] =
    [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")];

pub(crate) fn vae<'a>(keys: impl IntoIterator<Item = &'a str>) -> Names {
    let (levels, layers) = blocks(keys);
    let mut names = Names::default();
    for same in ["quant_conv", "post_quant_conv"] {
        names.add(same, same);
    }
    for half in ["encoder", "decoder"] {
        for same in ["conv_in", "conv_out"] {
            names.add(format!("{half}.{same}"), format!("{half}.{same}"));
        }
        names.add(format!("{half}.norm_out"), format!("{half}.conv_norm_out"));
        for (theirs, ours) in [("block_1", 0), ("block_2", 1)] {
            names.add(format!("{half}.mid.{theirs}"), format!("{half}.mid_block.resnets.{ours}"));
        }
        for (theirs, ours) in ATTENTION {
            names.add(format!("{half}.mid.attn_1.{theirs}"), format!("{half}.mid_block.attentions.0.{ours}"));
        }
    }
    for level in 0..levels {
        let (theirs, ours) = (format!("encoder.down.{level}"), format!("encoder.down_blocks.{level}"));
        resnets(&mut names, &theirs, &ours, layers);
        names.add(format!("{theirs}.downsample.conv"), format!("{ours}.downsamplers.0.conv"));

        let (theirs, ours) =
            (format!("decoder.up.{}", levels - 1 - level), format!("decoder.up_blocks.{level}"));
        resnets(&mut names, &theirs, &ours, layers + 1);
        names.add(format!("{theirs}.upsample.conv"), format!("{ours}.upsamplers.0.conv"));
    }
    names
}

fn resnets(names: &mut Names, original: &str, diffusers: &str, count: usize) {
    for layer in 0..count {
        let (theirs, ours) = (format!("{original}.block.{layer}"), format!("{diffusers}.resnets.{layer}"));
        names.add(format!("{theirs}.nin_shortcut"), format!("{ours}.conv_shortcut"));
        names.add(theirs, ours);
    }
}

/// Whether `key` of diffusers is a linear map where the original has a 1×1 convolution.
pub(crate) fn is_squeezed(key: &str) -> bool {
    key.strip_suffix(".weight").is_some_and(|module| {
        ATTENTION[1..].iter().any(|(_, ours)| module.ends_with(&format!(".mid_block.attentions.0.{ours}")))
    })
}

/// Levels, and ResNet blocks of a level of the encoder.
fn blocks<'a>(keys: impl IntoIterator<Item = &'a str>) -> (usize, usize) {
    let (mut levels, mut layers) = (0, 0);
    for key in keys {
        let found = numbered(key, "encoder.down.").map(|found| (found, "block."));
        let found = found.or_else(|| numbered(key, "encoder.down_blocks.").map(|found| (found, "resnets.")));
        let Some(((level, rest), blocks)) = found else { continue };
        levels = levels.max(level + 1);
        layers = layers.max(numbered(rest, blocks).map_or(0, |(layer, _)| layer + 1));
    }
    (levels.min(MAX_BLOCKS), layers.min(MAX_BLOCKS))
}
