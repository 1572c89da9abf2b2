//! Sessions of gligen-gui, the page in front of ComfyUI.
//!
//! Boxes are two opposite corners in pixels of the canvas, in any order. Numbers may be texts, as they came from fields of
//! a page.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::draft::Draft;
use super::source::Number;
use super::{ImportError, Source, corners, sampler};

/// The canvas of a session that never changed it.
const CANVAS: Number = Number(512.0);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    #[serde(default)]
    string_props: Properties,
    map_props: Maps,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Properties {
    positive_prompt: Option<String>,
    negative_prompt: Option<String>,
    seed_value: Option<serde_json::Value>,
    steps_value: Option<Number>,
    cfg_value: Option<Number>,
    sampler_name: Option<String>,
    scheduler_name: Option<String>,
    canvas_width: Option<Number>,
    canvas_height: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Maps {
    /// Pairs of a name and a box.
    box_map: Vec<(IgnoredAny, Shape)>,
}

#[derive(Deserialize)]
struct Shape {
    x1: f64,
    y1: f64,
    x2: f64,
    y2: f64,
    caption: Option<String>,
    visible: Option<bool>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    let Session { string_props: properties, map_props } = source.json()?;
    let (width, height) =
        (properties.canvas_width.unwrap_or(CANVAS), properties.canvas_height.unwrap_or(CANVAS));
    let size = corners::size("stringProps.canvasWidth", width.0, height.0)?;
    let mut draft = Draft::of(None, properties.positive_prompt.unwrap_or_default());
    for (index, (_, shape)) in map_props.box_map.into_iter().enumerate() {
        let path = format!("mapProps.boxMap[{index}]");
        if shape.visible == Some(false) {
            draft.note(&path, "left out, as it is hidden");
            continue;
        }
        let rect = corners::fractions([shape.x1, shape.y1, shape.x2, shape.y2], size);
        draft.add(path, shape.caption.as_deref().unwrap_or_default(), rect)?;
    }
    draft.set_negative_prompt(properties.negative_prompt);
    draft.set_size("stringProps.canvasWidth", size);
    draft.layout.seed = properties.seed_value.and_then(|seed| match seed {
        serde_json::Value::String(digits) => digits.parse().ok(), // 64 bits are more than a number has in JavaScript
        seed => seed.as_u64(),
    });
    draft.layout.steps = properties.steps_value.map(|Number(steps)| steps as usize);
    draft.layout.guidance_scale = properties.cfg_value.map(|Number(scale)| scale);
    if let Some(theirs) = properties.sampler_name {
        let ours = sampler::scheduler(&theirs, properties.scheduler_name.as_deref().unwrap_or_default());
        draft.set_scheduler("stringProps.samplerName", &theirs, ours);
    }
    Ok(vec![draft])
}
