//! What a checkpoint lacks, and where to get it.

use crate::{Checkpoint, Grounding, Layout, Part};

/// Something that a checkpoint lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub what: &'static str,
    /// What cannot be done without it.
    pub to: &'static str,
    /// Where it is found.
    pub from: &'static str,
}

const RUN: &str = "draw at all";
const PICTURES: &str = "place pictures";
const STABLE_DIFFUSION: &str = "CompVis/stable-diffusion-v1-4, or any other Stable Diffusion 1.x";

impl Checkpoint {
    /// What is missing to run it, the most needed first; and what would let it do more.
    pub fn needs(&self) -> Vec<Need> {
        let need = |what, to, from| Need { what, to, from };
        if self.layout() == Layout::Adapter {
            return vec![need("a base", RUN, STABLE_DIFFUSION)];
        }
        let mut needs = Vec::new();
        let lacks = |part| self.part(part).is_none();
        let lacks_folder = |name| self.layout() == Layout::Folder && !self.path().join(name).is_dir();
        if lacks(Part::UNet) {
            needs.push(need(
                "a UNet",
                RUN,
                "masterful/gligen-1-4-generation-text-box, or any Stable Diffusion 1.x",
            ));
        }
        if lacks(Part::Vae) {
            needs.push(need("an autoencoder", RUN, STABLE_DIFFUSION));
        }
        if lacks(Part::TextEncoder) {
            needs.push(need("a text encoder", RUN, STABLE_DIFFUSION));
        }
        if lacks_folder("tokenizer") {
            needs.push(need("a tokenizer", RUN, STABLE_DIFFUSION));
        }
        if lacks_folder("scheduler") {
            needs.push(need("the config of a scheduler", RUN, STABLE_DIFFUSION));
        }
        match self.grounding() {
            Grounding::None if !lacks(Part::UNet) => {
                needs.push(need("an adapter", "place objects", "comfyanonymous/GLIGEN_pruned_safetensors"));
            }
            Grounding::TextImageBox => {
                if lacks(Part::ImageEncoder) {
                    needs.push(need("an image encoder", PICTURES, "openai/clip-vit-large-patch14"));
                }
                if lacks(Part::ImageProjection) {
                    needs.push(need("an image projection", PICTURES, "anhnct/Gligen_Text_Image"));
                }
            }
            _ => {}
        }
        needs
    }
}
