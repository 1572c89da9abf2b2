//! Structured prompts of Ideogram 4, which ComfyUI's box editor and others write too.
//!
//! Boxes are y0 x0 y1 x1 in thousandths of height and width; an element without one is only described.

use serde::Deserialize;

use super::draft::Draft;
use super::{ImportError, Source, corners};

/// As many units has each side.
const UNITS: f64 = 1000.0;

#[derive(Deserialize)]
struct StructuredPrompt {
    high_level_description: Option<String>,
    compositional_deconstruction: Composition,
}

#[derive(Deserialize)]
struct Composition {
    background: Option<String>,
    #[serde(default)]
    elements: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    bbox: Option<[f64; 4]>,
    desc: Option<String>,
    /// The letters of an element that is writing.
    text: Option<String>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, prompt)| draft(&place, prompt)).collect()
}

fn draft(place: &str, prompt: StructuredPrompt) -> Result<Draft, ImportError> {
    let composition = prompt.compositional_deconstruction;
    let description = prompt.high_level_description.or(composition.background);
    let mut draft = Draft::of(None, description.unwrap_or_default());
    for (index, element) in composition.elements.into_iter().enumerate() {
        let place = format!("{place}compositional_deconstruction.elements[{index}]");
        let Some([y0, x0, y1, x1]) = element.bbox else {
            draft.note(&place, "left out, as it has no box");
            continue;
        };
        let letters = element.text.map(|letters| format!("the text \"{letters}\""));
        let described = element.desc.filter(|text| !text.trim().is_empty());
        let phrase = described.or(letters).unwrap_or_default();
        draft.add(format!("{place}.bbox"), &phrase, corners::fractions([x0, y0, x1, y1], [UNITS, UNITS]))?;
    }
    Ok(draft)
}
