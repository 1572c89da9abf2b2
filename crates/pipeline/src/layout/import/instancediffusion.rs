//! Demos of InstanceDiffusion. Its masks, points and scribbles are not taken over.
//!
//! Boxes are the top left corner, width and height in pixels.

use serde::Deserialize;

use super::draft::Draft;
use super::{ImportError, Source, corners};

#[derive(Deserialize)]
struct Demo {
    caption: String,
    width: f64,
    height: f64,
    annos: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    bbox: [f64; 4],
    caption: Option<String>,
    category_name: Option<String>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, demo)| draft(&place, demo)).collect()
}

fn draft(place: &str, demo: Demo) -> Result<Draft, ImportError> {
    let width = format!("{place}width");
    let size = corners::size(&width, demo.width, demo.height)?;
    let mut draft = Draft::of(None, demo.caption);
    for (index, instance) in demo.annos.into_iter().enumerate() {
        let caption = instance.caption.filter(|caption| !caption.trim().is_empty());
        let phrase = caption.or(instance.category_name).unwrap_or_default();
        let rect = corners::fractions(corners::of_sides(instance.bbox), size);
        draft.add(format!("{place}annos[{index}].bbox"), &phrase, rect)?;
    }
    draft.set_size(&width, size);
    Ok(draft)
}
