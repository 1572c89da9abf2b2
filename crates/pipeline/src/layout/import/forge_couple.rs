//! The advanced mapping of Forge Couple: in a request to A1111's server, as saved presets, or alone. Its phrases are the
//! prompt's lines, one for each row.
//!
//! A row is x0 x1 y0 y1 and a weight, fractions of width and height; older versions wrote `"x0:x1"`, `"y0:y1"` and a
//! weight. The weight, of a mask over the whole network, has no like here and is not taken over.

use gligen_schedulers::SchedulerKind;
use serde::Deserialize;
use serde_json::Value;

use super::draft::Draft;
use super::source::{Entries, Id};
use super::{ImportError, Source};

/// The mode that has a mapping.
const ADVANCED: &str = "Advanced";

#[derive(Deserialize)]
struct Request {
    prompt: String,
    negative_prompt: Option<String>,
    width: Option<f64>,
    height: Option<f64>,
    steps: Option<usize>,
    cfg_scale: Option<f64>,
    seed: Option<i64>,
    sampler_name: Option<String>,
    /// Noise levels, apart from the sampler since version 1.9.
    scheduler: Option<String>,
    alwayson_scripts: Entries<Script>,
}

/// What an extension is told, in the order of the fields of its page.
#[derive(Deserialize)]
struct Script {
    #[serde(default)]
    args: Vec<Value>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    let prompt = || source.prompt.ok_or(ImportError::NoPrompt);
    match source.json()? {
        Value::Array(rows) => Ok(vec![draft(None, "", &rows, prompt()?, "\n")?]),
        Value::Object(keys) if keys.contains_key("alwayson_scripts") => Ok(vec![request(source.json()?)?]),
        _ => {
            let Entries(presets): Entries<Vec<Value>> = source.json()?;
            let presets = presets.into_iter();
            let draft_of =
                |(name, rows): (String, Vec<_>)| draft(Some(Id(name.clone())), &name, &rows, prompt()?, "\n");
            presets.map(draft_of).collect()
        }
    }
}

fn request(request: Request) -> Result<Draft, ImportError> {
    let Entries(scripts) = request.alwayson_scripts;
    let ours = |name: &str| name.to_lowercase().replace('_', " ") == "forge couple";
    let Some((name, script)) = scripts.into_iter().find(|(name, _)| ours(name)) else {
        return Err(ImportError::value("alwayson_scripts", "expected `forge couple` among them"));
    };
    let place = format!("alwayson_scripts.{name}.args");
    let Some(mode) = script.args.iter().position(|argument| argument == ADVANCED) else {
        return Err(ImportError::value(
            place,
            format!("expected the mode `{ADVANCED}`, which alone has boxes"),
        ));
    };
    let after = &script.args[mode + 1..];
    let Some((index, rows)) =
        after.iter().enumerate().find_map(|(index, value)| Some((index, value.as_array()?)))
    else {
        return Err(ImportError::value(place, "expected a list of rows among them"));
    };
    let separator = after[0].as_str().map(str::trim).filter(|text| !text.is_empty()).unwrap_or("\n");
    let mut draft = draft(None, &format!("{place}[{}]", mode + 1 + index), rows, &request.prompt, separator)?;
    draft.set_negative_prompt(request.negative_prompt);
    if let (Some(width), Some(height)) = (request.width, request.height) {
        draft.set_size("width", super::corners::size("width", width, height)?);
    }
    draft.layout.steps = request.steps;
    draft.layout.guidance_scale = request.cfg_scale;
    draft.layout.seed = request.seed.and_then(|seed| seed.try_into().ok()); // -1 is a random one
    if let Some(theirs) = request.sampler_name.filter(|name| !name.is_empty()) {
        let with_levels = format!("{theirs} {}", request.scheduler.unwrap_or_default());
        let ours = SchedulerKind::from_a1111_name(&with_levels);
        let ours = ours.or_else(|| SchedulerKind::from_a1111_name(&theirs));
        draft.set_scheduler("sampler_name", &theirs, ours);
    }
    Ok(draft)
}

fn draft(
    id: Option<Id>,
    place: &str,
    rows: &[Value],
    prompt: &str,
    separator: &str,
) -> Result<Draft, ImportError> {
    let lines: Vec<_> = prompt.split(separator).map(str::trim).filter(|line| !line.is_empty()).collect();
    let rows: Vec<_> = rows.iter().enumerate().filter(|(_, row)| row[0] != "").collect();
    if rows.len() != lines.len() {
        let reason =
            format!("expected a row for each of the prompt's {} lines, found {}", lines.len(), rows.len());
        return Err(ImportError::value(if place.is_empty() { "mapping" } else { place }, reason));
    }
    let mut draft = Draft::of(id, lines.join(", "));
    for ((index, row), line) in rows.into_iter().zip(lines) {
        let path = format!("{place}[{index}]");
        let corners = corners(row).ok_or_else(|| {
            ImportError::value(&path, "expected [x0, x1, y0, y1, weight] or [\"x0:x1\", \"y0:y1\", weight]")
        })?;
        draft.add(path, line, corners)?;
    }
    Ok(draft)
}

/// The corners x0 y0 x1 y1 of a row.
fn corners(row: &Value) -> Option<[f64; 4]> {
    let [x0, x1, y0, y1] = match row.as_array()?.as_slice() {
        [Value::String(x), Value::String(y), ..] => {
            let (x0, x1) = x.split_once(':')?;
            let (y0, y1) = y.split_once(':')?;
            let number = |text: &str| text.trim().parse().ok();
            [number(x0)?, number(x1)?, number(y0)?, number(y1)?]
        }
        [x0, x1, y0, y1, ..] => [x0.as_f64()?, x1.as_f64()?, y0.as_f64()?, y1.as_f64()?],
        _ => return None,
    };
    Some([x0, y0, x1, y1])
}
