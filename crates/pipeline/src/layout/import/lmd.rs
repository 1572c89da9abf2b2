//! LLM-grounded diffusion: what a language model answers, a cache of such answers, or the specification made of one.
//!
//! Boxes are the top left corner, width and height on a canvas of 512 × 512. The caption is the background with the
//! phrases, as the original makes it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::draft::{Draft, joined};
use super::python_literal;
use super::source::{Entries, parse};
use super::{ImportError, Source, corners};

/// What every answer has before its background.
pub(super) const BACKGROUND: &str = "Background prompt:";

const OBJECTS: &str = "Objects:";
const NEGATIVE: &str = "Negative prompt:";

/// What is answered where there are no objects.
const NO_OBJECTS: &str = "No objects";

/// What is answered where there is nothing to keep out.
const NONE: &str = "None";

const CANVAS: [f64; 2] = [512.0, 512.0];

#[derive(Deserialize)]
struct Specification {
    gen_boxes: Vec<Named>,
    bg_prompt: String,
    extra_neg_prompt: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name and a box [x, y, width, height]")]
enum Named {
    Pair(String, [f64; 4]),
    Fields { name: String, bounding_box: [f64; 4] },
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    if parse::<IgnoredAny>(source.text, "").is_err() {
        return Ok(vec![answer("", source.text)?]);
    }
    let is_specification = || {
        let Entries(entries) = source.json::<Entries<IgnoredAny>>()?;
        Ok::<_, ImportError>(entries.iter().any(|(key, _)| key == "gen_boxes"))
    };
    if source.is_list() || is_specification()? {
        let all = source.each()?.into_iter();
        return all.map(|(place, one)| draft(&format!("{place}gen_boxes"), one)).collect();
    }
    let Entries(answers): Entries<Vec<String>> = source.json()?;
    let mut drafts = Vec::new();
    for (prompt, answers) in answers {
        for (index, text) in answers.iter().enumerate() {
            drafts.push(answer(&format!("{prompt}[{index}]."), text)?);
        }
    }
    Ok(drafts)
}

/// Reads an answer: `Objects: [('a cat', [x, y, width, height]), …]`, the background, and what to keep out.
fn answer(place: &str, text: &str) -> Result<Draft, ImportError> {
    let text = text.split_once(OBJECTS).map_or(text, |(_, after)| after);
    let Some((objects, rest)) = text.split_once(BACKGROUND) else {
        let reason = format!("there is no `{BACKGROUND}` in it");
        return Err(ImportError::value(format!("{place}answer"), reason));
    };
    let place = format!("{place}Objects");
    let (background, negative) = rest.split_once(NEGATIVE).unwrap_or((rest, NONE));
    let gen_boxes = match objects.trim() {
        "" => Vec::new(),
        text if text.contains(NO_OBJECTS) => Vec::new(),
        literal => parse(&python_literal::to_json(literal), &place).map_err(|error| match error {
            ImportError::Json(error) => ImportError::value(&place, format!("not a list of Python: {error}")),
            error => error,
        })?,
    };
    let negative = Some(negative.trim()).filter(|text| *text != NONE).map(String::from);
    let specification =
        Specification { gen_boxes, bg_prompt: background.trim().into(), extra_neg_prompt: negative };
    draft(&place, specification)
}

/// The layout of a specification whose boxes stand at `place`.
fn draft(place: &str, specification: Specification) -> Result<Draft, ImportError> {
    let mut draft = Draft::new(None);
    let mut phrases = Vec::new();
    for (index, named) in specification.gen_boxes.into_iter().enumerate() {
        let (name, sides) = match named {
            Named::Pair(name, sides) => (name, sides),
            Named::Fields { name, bounding_box } => (name, bounding_box),
        };
        let phrase = name.trim().trim_end_matches('.');
        let rect = corners::fractions(corners::of_sides(sides), CANVAS);
        draft.add(format!("{place}[{index}]"), phrase, rect)?;
        phrases.push(phrase.to_string());
    }
    draft.layout.prompt = vec![match (specification.bg_prompt, joined(phrases.iter().map(String::as_str))) {
        (background, phrases) if phrases.is_empty() => background,
        (background, phrases) if background.is_empty() => phrases,
        (background, phrases) => format!("{background} with {phrases}"),
    }];
    draft.set_negative_prompt(specification.extra_neg_prompt);
    Ok(draft)
}
