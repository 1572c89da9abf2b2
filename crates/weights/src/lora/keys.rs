//! The names that LoRA files give to their tensors, of all layouts that are in use.

use crate::Part;

/// What a tensor is in the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The right factor, `[rank, inputs]`: A.
    Down,
    /// The left factor, `[outputs, rank]`: B.
    Up,
    /// Between both, in a convolution, `[rank, inner, kernel]`: then the right factor has no kernel.
    Core,
    /// A number: the product counts `alpha / rank`.
    Alpha,
}

/// What a name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LoraKey {
    pub(super) part: Part,
    /// The layer in the network, its dots made underscores: some layouts write no others.
    pub(super) layer: String,
    pub(super) role: Role,
}

/// Beginnings of names, and the network that they stand for.
///
/// | layout | written by |
/// |---|---|
/// | `lora_unet_`, `lora_te_` | kohya's sd-scripts, and most that is published for other programs; layers of the UNet as diffusers or as the original repositories name them |
/// | `unet.`, `text_encoder.` | diffusers |
/// | `base_model.model.` | peft by itself, one network a file |
/// | none | diffusers before 0.18: the UNet's attention alone |
const PREFIXES: [(&str, Option<Part>); 7] = [
    ("lora_unet_", Some(Part::UNet)),
    ("lora_te_", Some(Part::TextEncoder)),
    ("lora_te1_", Some(Part::TextEncoder)),
    ("unet.", Some(Part::UNet)),
    ("text_encoder.", Some(Part::TextEncoder)),
    ("base_model.model.", None),
    ("", None),
];

/// Ends of names: what follows the layer, what to put for it, and the role.
const SUFFIXES: [(&str, &str, Role); 18] = [
    // kohya, and LyCORIS
    (".lora_down.weight", "", Role::Down),
    (".lora_up.weight", "", Role::Up),
    (".lora_mid.weight", "", Role::Core),
    (".alpha", "", Role::Alpha),
    // peft, and diffusers since 0.26
    (".lora_A.weight", "", Role::Down),
    (".lora_B.weight", "", Role::Up),
    // diffusers before
    (".lora.down.weight", "", Role::Down),
    (".lora.up.weight", "", Role::Up),
    (".lora_linear_layer.down.weight", "", Role::Down),
    (".lora_linear_layer.up.weight", "", Role::Up),
    // diffusers' attention processors
    (".processor.to_q_lora.down.weight", ".to_q", Role::Down),
    (".processor.to_q_lora.up.weight", ".to_q", Role::Up),
    (".processor.to_k_lora.down.weight", ".to_k", Role::Down),
    (".processor.to_k_lora.up.weight", ".to_k", Role::Up),
    (".processor.to_v_lora.down.weight", ".to_v", Role::Down),
    (".processor.to_v_lora.up.weight", ".to_v", Role::Up),
    (".processor.to_out_lora.down.weight", ".to_out.0", Role::Down),
    (".processor.to_out_lora.up.weight", ".to_out.0", Role::Up),
];

/// What `key` says, if it is a name of one of these layouts.
pub(super) fn parse(key: &str) -> Option<LoraKey> {
    let (rest, part) = PREFIXES.iter().find_map(|(prefix, part)| Some((key.strip_prefix(prefix)?, *part)))?;
    let (layer, role) = SUFFIXES
        .iter()
        .find_map(|(suffix, put, role)| Some((format!("{}{put}", rest.strip_suffix(suffix)?), *role)))?;
    let part = part.or_else(|| part_of(&layer))?;
    Some(LoraKey { part, layer: normalised(&layer), role })
}

/// The network that has a layer of this name.
fn part_of(layer: &str) -> Option<Part> {
    match layer.split('.').next()? {
        "down_blocks" | "mid_block" | "up_blocks" | "conv_in" | "conv_out" | "time_embedding" => {
            Some(Part::UNet)
        }
        "text_model" | "encoder" => Some(Part::TextEncoder),
        _ => None,
    }
}

/// The name of a layer as it is compared: with underscores, and without what only older text encoders have in front.
pub(super) fn normalised(layer: &str) -> String {
    let layer = layer.replace('.', "_");
    layer.strip_prefix("text_model_").map(str::to_owned).unwrap_or(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_layout() {
        let keys = [
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
            "lora_unet_mid_block_resnets_1_conv1.lora_up.weight",
            "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha",
            "unet.up_blocks.1.attentions.2.transformer_blocks.0.ff.net.0.proj.lora_A.weight",
            "unet.down_blocks.0.attentions.0.proj_in.lora.up.weight",
            "text_encoder.text_model.encoder.layers.11.self_attn.q_proj.lora_linear_layer.down.weight",
            "text_encoder.encoder.layers.3.self_attn.out_proj.lora_B.weight",
            "mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.up.weight",
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
            "base_model.model.down_blocks.0.resnets.0.conv1.lora_A.weight",
            "base_model.model.text_model.encoder.layers.0.self_attn.k_proj.lora_B.weight",
            "lora_unet_mid_block_resnets_1_conv1.lora_mid.weight",
            "lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha",
            "lora_unet_conv_in.dora_scale",
            "model.diffusion_model.input_blocks.0.0.weight",
        ];
        let told = keys.map(|key| format!("{key}\n  {:?}\n", parse(key))).concat();
        insta::assert_snapshot!(told);
    }
}
