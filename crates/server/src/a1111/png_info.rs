//! `POST /sdapi/v1/png-info`: what the texts in a PNG file say.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use gligen_pipeline::{PARAMETERS_KEYWORD, embedded_file, read_png_texts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Detail;
use crate::App;
use crate::answer::json_answer;
use crate::problem::Problem;
use crate::work::{JSON, in_background, parse, receive};

/// From so many pairs on, the last line of the text is no part of the caption.
const MIN_PAIRS: usize = 3;

/// A file to look into.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "A1111PngFile")]
pub(crate) struct PngFile {
    /// Base64, or a data URL.
    image: String,
}

/// The texts in it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111PngTexts")]
pub(crate) struct PngTexts {
    /// The one that programs of this kind write, `parameters`.
    info: String,
    /// The others, by their keywords.
    items: BTreeMap<String, String>,
    /// What `info` says: captions and settings.
    parameters: BTreeMap<String, String>,
}

pub(crate) async fn png_info(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    let received = receive(&app, &headers, body, JSON).await?;
    let bytes = received.bytes.clone();
    let texts = in_background(move || texts_of(&parse::<PngFile>(&bytes)?.image)).await?;
    Ok(json_answer(StatusCode::OK, &texts))
}

/// The texts in the file that is `image`.
fn texts_of(image: &str) -> Result<PngTexts, Problem> {
    let refused = |error: &dyn Error| Problem::refused(format!("`image`: {error}"));
    let file = embedded_file(image).map_err(|error| refused(&error))?;
    let texts = read_png_texts(Cursor::new(file)).map_err(|error| refused(&error))?;
    let mut items: BTreeMap<_, _> = texts.into_iter().collect();
    let info = items.remove(PARAMETERS_KEYWORD).unwrap_or_default();
    Ok(PngTexts { parameters: parameters(&info), info, items })
}

/// The captions and the pairs of a text as [`gligen_pipeline::parameters`] writes it.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let text = text.trim();
    let (captions, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let pairs = pairs(last);
    let (captions, pairs) = if pairs.len() < MIN_PAIRS { (text, Vec::new()) } else { (captions, pairs) };
    let negative = "Negative prompt:";
    let (prompt, negative_prompt) = match captions.strip_prefix(negative) {
        Some(alone) => ("", alone),
        None => captions.split_once(&format!("\n{negative}")).unwrap_or((captions, "")),
    };
    let mut map = BTreeMap::new();
    map.insert("Prompt".into(), prompt.trim().into());
    map.insert("Negative prompt".into(), negative_prompt.trim().into());
    for (name, value) in pairs {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match value.split_once('x') {
            Some((width, height)) if is_number(width) && is_number(height) => {
                map.insert(format!("{name}-1"), width.into());
                map.insert(format!("{name}-2"), height.into());
            }
            _ => drop(map.insert(name, value)),
        }
    }
    map
}

/// The pairs of a line such as `Steps: 20, Model: "a, b"`.
fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while let Some((name, after)) = rest.split_once(':') {
        let after = after.trim_start();
        // What holds a comma is quoted as JSON quotes it.
        let mut quoted = serde_json::Deserializer::from_str(after).into_iter::<String>();
        let (value, end) = match quoted.next() {
            Some(Ok(value)) => (value, quoted.byte_offset()),
            _ => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_string(), end)
            }
        };
        pairs.push((name.trim().to_string(), value));
        rest = after[end..].trim_start().trim_start_matches(',');
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_that_program_are_read() {
        let text = "a cat, a dog\nin a room\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, \
                    Seed: 7, Size: 512x256, Model: \"a: b, \\\"c\\\"\", RNG: CPU";
        let expected = json!({
            "Prompt": "a cat, a dog\nin a room", "Negative prompt": "blurry", "Steps": "20", "Sampler": "DPM++ 2M",
            "CFG scale": "7.5", "Seed": "7", "Size-1": "512", "Size-2": "256", "Model": "a: b, \"c\"", "RNG": "CPU",
        });
        assert_eq!(json!(parameters(text)), expected);
    }

    #[test]
    fn texts_of_others_are_captions() {
        let captions = |text| {
            let map = parameters(text);
            [map["Prompt"].clone(), map["Negative prompt"].clone()]
        };
        assert_eq!(captions(""), ["", ""]);
        assert_eq!(captions("a cat: black, a dog: white"), ["a cat: black, a dog: white", ""]);
        assert_eq!(captions("Negative prompt: blurry"), ["", "blurry"]);
        for line in [":", "a: \"b", "a: \"b\" c, d: e", ",,:,:\":"] {
            let _ = parameters(&format!("a\n{line}")); // whatever it says
        }
    }
}
