//! Which layout a file is in, as its keys tell.

use crate::Part;

/// How a checkpoint is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A folder with one for each network: diffusers.
    Folder,
    /// One file with UNet, autoencoder and text encoder, as the original Stable Diffusion and most tools have it.
    SingleFile,
    /// A training checkpoint of GLIGEN's authors: the same networks under other names, and the optimizer's state.
    Training,
    /// Fusers and position net alone, to be put on a base: ComfyUI.
    Adapter,
    /// One network.
    Part(Part),
}

/// Whose names the keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Naming {
    /// Those of diffusers and transformers.
    Diffusers,
    /// Those of CompVis' latent diffusion and of GLIGEN's authors.
    Original,
}

/// One network in a file: its prefix and whose names follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) part: Part,
    pub(crate) prefix: &'static str,
    pub(crate) naming: Naming,
}

const fn original(part: Part, prefix: &'static str) -> Section {
    Section { part, prefix, naming: Naming::Original }
}

/// The networks of the original's single file.
pub(crate) const SINGLE_FILE: [Section; 3] = [
    original(Part::UNet, "model.diffusion_model."),
    original(Part::Vae, "first_stage_model."),
    original(Part::TextEncoder, "cond_stage_model."),
];

/// The networks of a training checkpoint.
const TRAINING: [Section; 3] = [
    original(Part::UNet, "model."),
    original(Part::Vae, "autoencoder."),
    original(Part::TextEncoder, "text_encoder."),
];

/// Beginnings by which one network is known, the most telling first.
const ALONE: [(&str, Part, Naming); 15] = [
    ("input_blocks.", Part::UNet, Naming::Original),
    ("output_blocks.", Part::UNet, Naming::Original),
    ("middle_block.", Part::UNet, Naming::Original),
    ("down_blocks.", Part::UNet, Naming::Diffusers),
    ("up_blocks.", Part::UNet, Naming::Diffusers),
    ("mid_block.", Part::UNet, Naming::Diffusers),
    ("encoder.down.", Part::Vae, Naming::Original),
    ("encoder.down_blocks.", Part::Vae, Naming::Diffusers),
    ("transformer.text_model.", Part::TextEncoder, Naming::Original),
    ("text_model.", Part::TextEncoder, Naming::Diffusers),
    ("embeddings.token_embedding.", Part::TextEncoder, Naming::Diffusers),
    ("concept_embeds", Part::SafetyChecker, Naming::Diffusers),
    ("vision_model.", Part::ImageEncoder, Naming::Diffusers),
    ("embeddings.patch_embedding.", Part::ImageEncoder, Naming::Diffusers),
    ("project.weight", Part::ImageProjection, Naming::Diffusers),
];

/// Files that hold something else, known by the beginning of a key or a part of it; and what they are.
const OTHER: [(&str, &str); 9] = [
    ("conditioner.embedders.", "a Stable Diffusion XL checkpoint; 1.x is supported"),
    ("cond_stage_model.model.", "a Stable Diffusion 2.x checkpoint; 1.x is supported"),
    ("lora_unet_", "a LoRA, which changes a model and is none"),
    ("lora_te_", "a LoRA, which changes a model and is none"),
    (".lora_A.", "a LoRA, which changes a model and is none"),
    (".lora_down.", "a LoRA, which changes a model and is none"),
    ("string_to_param.", "a textual inversion, which adds words to a model and is none"),
    ("emb_params", "a textual inversion, which adds words to a model and is none"),
    ("control_model.", "a ControlNet"),
];

/// What no network needs, by the beginning of its key; and what it is.
const LEFT_OUT: [(&str, &str); 6] = [
    ("ema.", AVERAGES),
    ("model_ema.", AVERAGES),
    ("diffusion.", SCHEDULE),
    ("first_stage_model.loss.", "the autoencoder's training loss"),
    ("autoencoder.loss.", "the autoencoder's training loss"),
    ("loss.", "the autoencoder's training loss"),
];

const AVERAGES: &str = "running averages of the weights";
const SCHEDULE: &str = "the noise schedule, which is computed";

/// Buffers of the noise schedule, which single files have beside their networks.
const SCHEDULE_BUFFERS: [&str; 14] = [
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "betas",
    "log_one_minus_alphas_cumprod",
    "logvar",
    "lvlb_weights",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "posterior_variance",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
];

/// What the text encoders of some files have beside the transformer.
const TEXT_EXTRAS: [(&str, &str); 3] = [
    ("position_ids", "the numbers of the places, which are 0, 1, 2 and so on"),
    ("text_projection", "the projection of a whole CLIP"),
    ("logit_scale", "the scale of a whole CLIP"),
];

/// The layout of a file with these keys, an adapter aside, and the networks in it; or what it is instead.
pub(crate) fn detect(keys: &[&str]) -> Result<(Layout, Vec<Section>), String> {
    let starts = |prefix: &str| keys.iter().any(|key| key.starts_with(prefix));
    let other = OTHER.iter().find(|(telling, _)| {
        if telling.starts_with('.') { keys.iter().any(|key| key.contains(telling)) } else { starts(telling) }
    });
    if let Some((_, what)) = other {
        return Err((*what).into());
    }
    let among =
        |sections: &[Section]| sections.iter().copied().filter(|s| starts(s.prefix)).collect::<Vec<_>>();
    let single = among(&SINGLE_FILE);
    if !single.is_empty() {
        return Ok((Layout::SingleFile, single));
    }
    if ["model.input_blocks.", "model.position_net."].into_iter().any(starts) {
        return Ok((Layout::Training, among(&TRAINING)));
    }
    let alone = ALONE.iter().find(|(prefix, ..)| starts(prefix));
    // An adapter may come down to this.
    let alone = alone.or_else(|| starts("position_net.").then_some(&("", Part::UNet, Naming::Diffusers)));
    match alone {
        Some(&(_, part, naming)) => Ok((Layout::Part(part), vec![Section { part, prefix: "", naming }])),
        None => Err(match keys.len() {
            0 => "no tensors".into(),
            1..=3 => format!("only the tensors {}", keys.join(", ")),
            _ => format!("tensors like {}", keys[..3].join(", ")),
        }),
    }
}

/// Why `key`, which is in none of the networks or in `part`, is not needed; `None` if it may be.
pub(crate) fn left_out(key: &str, part: Option<Part>) -> Option<&'static str> {
    if let Some((_, why)) = LEFT_OUT.iter().find(|(prefix, _)| key.starts_with(prefix)) {
        return Some(why);
    }
    match part {
        None => SCHEDULE_BUFFERS.contains(&key).then_some(SCHEDULE),
        Some(Part::TextEncoder) => {
            let extra = TEXT_EXTRAS.iter().find(|(segment, _)| key.split('.').any(|s| s == *segment));
            extra.map(|(_, why)| *why)
        }
        Some(_) => None,
    }
}
