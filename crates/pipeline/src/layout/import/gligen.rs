//! What the original's inference script is told: `meta` of `gligen_inference.py`, as JSON.
//!
//! Boxes are corners, fractions of width and height.

use std::path::PathBuf;

use serde::Deserialize;

use super::draft::Draft;
use super::parallel_lists::{ParallelLists, PerObject};
use super::{ImportError, Source};

#[derive(Deserialize)]
struct Meta {
    prompt: String,
    negative_prompt: Option<String>,
    phrases: Option<Vec<Option<String>>>,
    images: Option<Vec<Option<PathBuf>>>,
    locations: Vec<[f64; 4]>,
    /// Shares of the steps: with objects, with objects that count less and less, without.
    alpha_type: Option<[f64; 3]>,
    text_mask: Option<PerObject>,
    image_mask: Option<PerObject>,
    /// The picture to repaint.
    input_image: Option<PathBuf>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, meta)| draft(&place, meta)).collect()
}

fn draft(place: &str, meta: Meta) -> Result<Draft, ImportError> {
    let mut draft = Draft::of(None, meta.prompt);
    let lists = ParallelLists {
        boxes: ("locations", meta.locations),
        phrases: ("phrases", meta.phrases),
        images: ("images", meta.images),
        phrase_masks: meta.text_mask,
        image_masks: meta.image_mask,
    };
    lists.add_to(&mut draft, place)?;
    draft.set_negative_prompt(meta.negative_prompt);
    draft.layout.inpaint_image = meta.input_image;
    if let Some([full, fading, _]) = meta.alpha_type {
        draft.layout.scheduled_sampling_beta = Some(full);
        if fading > 0.0 {
            draft.note(
                &format!("{place}alpha_type[1]"),
                "left out: objects count in full, and then not at all",
            );
        }
    }
    Ok(draft)
}
