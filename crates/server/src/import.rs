//! `POST /v1/layouts/import`: the layouts in a file of another program, as ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use gligen_pipeline::{
    ForeignFormat, ImportError, ImportOptions, Layout, LayoutError, layout_lines, without_mark,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::App;
use crate::answer::json_answer;
use crate::form::{FORM, Part, given_twice, parts};
use crate::problem::Problem;
use crate::work::{in_background, receive};

pub(crate) async fn import(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let received = receive(&app, &headers, body, FORM).await?;
    let bytes = received.bytes.clone();
    let layouts = in_background(move || Form::of(parts(&headers, bytes)?)?.layouts()).await?;
    Ok(json_answer(StatusCode::OK, &Imported { layouts }))
}

/// The parts of such a form.
#[derive(JsonSchema)]
#[schemars(rename = "Import")]
pub(crate) struct Form {
    /// The file of another program, or a picture with a workflow of ComfyUI. Layouts of ours come back as they are.
    #[schemars(with = "String", extend("contentMediaType" = "application/octet-stream"))]
    file: Bytes,
    /// What it is; left out, that is found by its keys.
    #[schemars(with = "Option<String>", extend("enum" = format_names()))]
    format: Option<ForeignFormat>,
    /// The caption of layouts that have none; left out, their phrases, one after the other.
    prompt: Option<String>,
}

fn format_names() -> Vec<&'static str> {
    ForeignFormat::ALL.iter().map(ForeignFormat::name).collect()
}

impl Form {
    fn of(parts: Vec<Part>) -> Result<Self, Problem> {
        let (mut file, mut format, mut prompt) = (None, None, None);
        for part in parts {
            let is_second = match part.name.as_str() {
                "file" => file.replace(part.bytes).is_some(),
                "format" => format.replace(named(&part.text()?)?).is_some(),
                "prompt" => prompt.replace(part.text()?).is_some(),
                name => {
                    return Err(Problem::malformed(format!(
                        "unknown part `{name}`, expected `file`, `format` or `prompt`"
                    )));
                }
            };
            if is_second {
                return Err(given_twice(&part.name));
            }
        }
        let file = file.ok_or_else(|| Problem::malformed("`file`: missing"))?;
        Ok(Self { file, format, prompt })
    }

    fn layouts(&self) -> Result<Vec<ImportedLayout>, Problem> {
        let options = ImportOptions { format: self.format, prompt: self.prompt.as_deref() };
        let imported = match Layout::import(&self.file, &options) {
            Err(ImportError::Ours) => return ours(&self.file),
            Err(ImportError::Unknown | ImportError::Json(_))
                if self.format.is_none() && is_meant_as_ours(&self.file) =>
            {
                return ours(&self.file);
            }
            imported => imported?,
        };
        let as_told = |one: gligen_pipeline::Imported| ImportedLayout {
            id: one.id,
            layout: one.layout,
            notes: one.notes,
        };
        Ok(imported.into_iter().map(as_told).collect())
    }
}

fn named(format: &str) -> Result<ForeignFormat, Problem> {
    ForeignFormat::from_name(format).ok_or_else(|| {
        let detail = format!("`format`: found `{format}`, expected one of those that are read");
        Problem::refused(detail).hint(format_names().join(", "))
    })
}

/// Whether a file that may have mistakes, or its first line, is an object with a caption.
fn is_meant_as_ours(file: &[u8]) -> bool {
    let text = without_mark(std::str::from_utf8(file).unwrap_or_default());
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<BTreeMap<String, IgnoredAny>>();
    matches!(values.next(), Some(Ok(keys)) if keys.contains_key("prompt"))
}

/// The layouts in a file of ours: one, or one a line.
fn ours(file: &[u8]) -> Result<Vec<ImportedLayout>, Problem> {
    let as_is = |index: usize, layout| ImportedLayout { id: index.to_string(), layout, notes: Vec::new() };
    let text = match (Layout::from_bytes(file), std::str::from_utf8(file)) {
        (Ok(layout), _) => return Ok(vec![as_is(0, layout)]),
        (Err(LayoutError::Json(_)), Ok(text)) => text,
        (Err(error), _) => return Err(error.into()),
    };
    let layouts = layout_lines(text).enumerate().map(|(index, (number, line))| {
        let layout =
            Layout::from_json(line).map_err(|error| Problem::from(error).at(&format!("line {number}")));
        Ok(as_is(index, layout?))
    });
    layouts.collect()
}

/// What a file holds.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportedLayouts")]
pub(crate) struct Imported {
    /// At least one.
    layouts: Vec<ImportedLayout>,
}

#[derive(Serialize, JsonSchema)]
struct ImportedLayout {
    /// What the file calls it; where it has no name, its number in the file from 0.
    id: String,
    layout: Layout,
    /// What was put right or left out, each with its place in the file.
    notes: Vec<String>,
}
