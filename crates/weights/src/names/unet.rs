//! The UNet, whose blocks the original numbers through.
//!
//! Source: `openaimodel.py` of gligen/GLIGEN, whose input blocks are the first convolution, then for each level its
//! layers and, but for the last level, the convolution that leads down; output blocks are those of all levels, the
//! convolution that leads up being part of a level's last one.

use std::collections::BTreeSet;

use super::{MAX_BLOCKS, Names, numbered};

/// The modules of a ResNet block.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

pub(crate) fn unet<'a>(keys: impl IntoIterator<Item = &'a str>) -> Names {
    let Blocks { layers, levels, attention_up } = Blocks::of(keys);
    let mut names = Names::default();
    names.add("input_blocks.0.0", "conv_in");
    names.add("time_embed.0", "time_embedding.linear_1");
    names.add("time_embed.2", "time_embedding.linear_2");
    names.add("out.0", "conv_norm_out");
    names.add("out.2", "conv_out");
    names.add("position_net", "position_net");
    resnet(&mut names, "middle_block.0", "mid_block.resnets.0");
    names.add("middle_block.1", "mid_block.attentions.0");
    resnet(&mut names, "middle_block.2", "mid_block.resnets.1");
    for level in 0..levels {
        let down = format!("down_blocks.{level}");
        let first = 1 + level * (layers + 1);
        for layer in 0..layers {
            let block = format!("input_blocks.{}", first + layer);
            resnet(&mut names, &format!("{block}.0"), &format!("{down}.resnets.{layer}"));
            names.add(format!("{block}.1"), format!("{down}.attentions.{layer}"));
        }
        let resamples = level + 1 < levels;
        if resamples {
            names.add(format!("input_blocks.{}.0.op", first + layers), format!("{down}.downsamplers.0.conv"));
        }

        let up = format!("up_blocks.{level}");
        let first = level * (layers + 1);
        for layer in 0..=layers {
            let block = format!("output_blocks.{}", first + layer);
            resnet(&mut names, &format!("{block}.0"), &format!("{up}.resnets.{layer}"));
            names.add(format!("{block}.1"), format!("{up}.attentions.{layer}"));
        }
        if resamples {
            // It comes after the ResNet block and, where there is one, the transformer.
            let place = if attention_up.contains(&level) { 2 } else { 1 };
            names.add(
                format!("output_blocks.{}.{place}.conv", first + layers),
                format!("{up}.upsamplers.0.conv"),
            );
        }
    }
    names
}

fn resnet(names: &mut Names, original: &str, diffusers: &str) {
    for (theirs, ours) in RESNET {
        names.add(format!("{original}.{theirs}"), format!("{diffusers}.{ours}"));
    }
}

/// What the keys of a UNet, or of an adapter for one, tell about its blocks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Blocks {
    /// ResNet blocks of a level on the way down; on the way up there is one more.
    layers: usize,
    levels: usize,
    /// Levels on the way up, from the lowest, that have transformers.
    attention_up: BTreeSet<usize>,
}

impl Blocks {
    fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut inputs = BTreeSet::new();
        let mut leads_down = BTreeSet::new();
        let (mut outputs, mut outputs_attention) = (BTreeSet::new(), BTreeSet::new());
        let mut blocks = Self::default();
        for key in keys {
            if let Some((input, rest)) = numbered(key, "input_blocks.") {
                inputs.insert(input);
                if rest.starts_with("0.op.") {
                    leads_down.insert(input);
                }
            } else if let Some((output, rest)) = numbered(key, "output_blocks.") {
                outputs.insert(output);
                if rest.starts_with("1.") && !rest.starts_with("1.conv.") {
                    outputs_attention.insert(output);
                }
            } else if let Some((level, rest)) = numbered(key, "down_blocks.") {
                blocks.levels = blocks.levels.max(level + 1);
                let layer = numbered(rest, "resnets.").or_else(|| numbered(rest, "attentions."));
                blocks.layers = blocks.layers.max(layer.map_or(0, |(layer, _)| layer + 1));
            } else if let Some((level, rest)) = numbered(key, "up_blocks.") {
                blocks.levels = blocks.levels.max(level + 1);
                if rest.starts_with("attentions.") {
                    blocks.attention_up.insert(level);
                }
            }
        }
        if !inputs.is_empty() {
            // An adapter has no convolutions. It has the transformers of a level, which follow one another.
            let run = |first: usize| (first..).take_while(|input| inputs.contains(input)).count();
            let layers = match leads_down.first() {
                Some(input) => input.saturating_sub(1),
                None => inputs.range(1..).next().map_or(0, |&first| run(first)),
            };
            let level = |block: usize| block / (layers + 1);
            let last = |blocks: &BTreeSet<usize>| blocks.last().copied().unwrap_or(0);
            blocks.layers = layers;
            blocks.levels = 1 + level(last(&inputs).saturating_sub(1)).max(level(last(&outputs)));
            blocks.attention_up = outputs_attention.into_iter().map(level).collect();
        }
        blocks.layers = blocks.layers.min(MAX_BLOCKS);
        blocks.levels = blocks.levels.min(MAX_BLOCKS);
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    fn blocks(layers: usize, levels: usize, attention_up: &[usize]) -> Blocks {
        Blocks { layers, levels, attention_up: attention_up.iter().copied().collect() }
    }

    #[test]
    fn a_unet_tells_its_blocks_in_either_naming() {
        let original = [
            "input_blocks.0.0.weight",
            "input_blocks.1.1.norm.weight",
            "input_blocks.3.0.op.weight",
            "input_blocks.6.0.op.weight",
            "input_blocks.11.0.in_layers.0.weight",
            "output_blocks.2.1.conv.weight",
            "output_blocks.5.1.norm.weight",
            "output_blocks.5.2.conv.weight",
            "output_blocks.11.1.norm.weight",
        ];
        assert_eq!(Blocks::of(original), blocks(2, 4, &[1, 3]));
        let diffusers = [
            "down_blocks.0.attentions.0.norm.weight",
            "down_blocks.3.resnets.1.norm1.weight",
            "up_blocks.0.upsamplers.0.conv.weight",
            "up_blocks.1.attentions.2.norm.weight",
            "up_blocks.3.attentions.2.norm.weight",
        ];
        assert_eq!(Blocks::of(diffusers), blocks(2, 4, &[1, 3]));
    }

    #[test]
    fn an_adapter_tells_them_by_its_transformers() {
        let inputs = [1, 2, 4, 5, 7, 8]
            .map(|i| format!("input_blocks.{i}.1.transformer_blocks.0.fuser.linear.weight"));
        let outputs = [3, 4, 5, 6, 7, 8, 9, 10, 11]
            .map(|i| format!("output_blocks.{i}.1.transformer_blocks.0.fuser.alpha_attn"));
        assert_eq!(Blocks::of(inputs.iter().chain(&outputs).map(String::as_str)), blocks(2, 4, &[1, 2, 3]));
    }

    #[test]
    fn a_key_may_claim_any_number() {
        for keys in [
            [
                "input_blocks.99999999999999999999999.0.op.weight",
                "output_blocks.18446744073709551615.1.conv.weight",
            ],
            ["input_blocks.0.0.op.weight", "output_blocks.250.1.conv.weight"],
            ["down_blocks.18446744073709551615.resnets.0", "up_blocks.200.resnets.18446744073709551615.x"],
        ] {
            super::unet(keys);
        }
    }
}
