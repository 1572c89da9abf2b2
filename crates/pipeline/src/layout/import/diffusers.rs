//! The arguments of diffusers' GLIGEN pipelines, as JSON.
//!
//! Boxes are corners, fractions of width and height.

use std::path::PathBuf;

use serde::Deserialize;

use super::draft::Draft;
use super::parallel_lists::{ParallelLists, PerObject};
use super::{ImportError, Source};
use crate::layout::values::texts;

#[derive(Deserialize)]
struct Arguments {
    #[serde(with = "texts", default)]
    prompt: Vec<String>,
    #[serde(with = "texts", default)]
    negative_prompt: Vec<String>,
    gligen_boxes: Vec<[f64; 4]>,
    gligen_phrases: Option<Vec<Option<String>>>,
    gligen_images: Option<Vec<Option<PathBuf>>>,
    input_phrases_mask: Option<PerObject>,
    input_images_mask: Option<PerObject>,
    gligen_inpaint_image: Option<PathBuf>,
    gligen_scheduled_sampling_beta: Option<f64>,
    height: Option<usize>,
    width: Option<usize>,
    num_inference_steps: Option<usize>,
    guidance_scale: Option<f64>,
    num_images_per_prompt: Option<usize>,
    eta: Option<f64>,
    clip_skip: Option<usize>,
    /// No argument of theirs, but what people write beside them.
    seed: Option<u64>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, arguments)| draft(&place, arguments)).collect()
}

fn draft(place: &str, arguments: Arguments) -> Result<Draft, ImportError> {
    let mut draft = Draft::new(None);
    let lists = ParallelLists {
        boxes: ("gligen_boxes", arguments.gligen_boxes),
        phrases: ("gligen_phrases", arguments.gligen_phrases),
        images: ("gligen_images", arguments.gligen_images),
        phrase_masks: arguments.input_phrases_mask,
        image_masks: arguments.input_images_mask,
    };
    lists.add_to(&mut draft, place)?;
    let layout = &mut draft.layout;
    layout.prompt = arguments.prompt;
    layout.negative_prompt = arguments.negative_prompt;
    layout.inpaint_image = arguments.gligen_inpaint_image;
    layout.scheduled_sampling_beta = arguments.gligen_scheduled_sampling_beta;
    layout.height = arguments.height;
    layout.width = arguments.width;
    layout.steps = arguments.num_inference_steps;
    layout.guidance_scale = arguments.guidance_scale;
    layout.num_images = arguments.num_images_per_prompt;
    layout.eta = arguments.eta;
    layout.clip_skip = arguments.clip_skip;
    layout.seed = arguments.seed;
    Ok(draft)
}
