//! The keys of a layout, and what an unknown one was meant to be.

use serde_json::Value;

use super::LayoutError;

/// The key under which a file names its schema.
pub(super) const SCHEMA_KEY: &str = "$schema";

const LAYOUT_KEYS: &[&str] = &[
    SCHEMA_KEY,
    "prompt",
    "negative_prompt",
    "objects",
    "loras",
    "embeddings",
    "inpaint_image",
    "inpaint_mask",
    "inpaint_mode",
    "inpaint_restore",
    "width",
    "height",
    "steps",
    "guidance_scale",
    "scheduled_sampling_beta",
    "scheduler",
    "seed",
    "num_images",
    "eta",
    "clip_skip",
    "compat",
    "index",
];
const LORA_KEYS: &[&str] = &["file", "scale"];
const EMBEDDING_KEYS: &[&str] = &["file", "token"];
const OBJECT_KEYS: &[&str] = &["phrase", "image", "box", "phrase_mask", "image_mask"];

/// How alike two keys must be, 0 to 1, to take one for a misspelling of the other.
const ALIKE: f64 = 0.75;

/// That a layout has known keys alone.
pub(super) fn check(layout: &Value) -> Result<(), LayoutError> {
    check_keys(layout, "", LAYOUT_KEYS)?;
    for (list, known) in [("loras", LORA_KEYS), ("embeddings", EMBEDDING_KEYS)] {
        for (index, file) in layout.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            check_keys(file, &format!("{list}[{index}]"), known)?;
        }
    }
    let Some(Value::Array(objects)) = layout.get("objects") else { return Ok(()) };
    for (index, entry) in objects.iter().enumerate() {
        let place = format!("objects[{index}]");
        match entry {
            Value::Array(objects) => {
                for (index, object) in objects.iter().enumerate() {
                    check_keys(object, &format!("{place}[{index}]"), OBJECT_KEYS)?;
                }
            }
            object => check_keys(object, &place, OBJECT_KEYS)?,
        }
    }
    Ok(())
}

fn check_keys(value: &Value, path: &str, known: &'static [&'static str]) -> Result<(), LayoutError> {
    let found = match value {
        Value::Object(map) => {
            for key in map.keys() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if !known.contains(&key.as_str()) {
                    return Err(LayoutError::UnknownKey { path, nearest: nearest(key, known) });
                }
            }
            return Ok(());
        }
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    let path = if path.is_empty() { "layout" } else { path };
    Err(LayoutError::NotAnObject { path: path.into(), found })
}

fn nearest(key: &str, known: &'static [&'static str]) -> Option<&'static str> {
    let alike = known.iter().map(|name| (strsim::jaro_winkler(&key.to_lowercase(), name), *name));
    alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
