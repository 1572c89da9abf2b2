//! `POST /v1/layouts/import`: the layouts in a file of another program, as ours.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use gligen_pipeline::{ForeignFormat, ImportError, ImportOptions, Layout};
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;
use crate::answer::json_answer;
use crate::form::{FORM, Part, parts};
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
        for Part { name, bytes } in parts {
            let is_second = match name.as_str() {
                "file" => file.replace(bytes).is_some(),
                "format" => format.replace(named(&text(&name, &bytes)?)?).is_some(),
                "prompt" => prompt.replace(text(&name, &bytes)?).is_some(),
                _ => {
                    return Err(Problem::malformed(format!(
                        "unknown part `{name}`, expected `file`, `format` or `prompt`"
                    )));
                }
            };
            if is_second {
                return Err(Problem::malformed(format!("`{name}`: given twice, expected once")));
            }
        }
        let file = file.ok_or_else(|| Problem::malformed("`file`: missing"))?;
        Ok(Self { file, format, prompt })
    }

    fn layouts(&self) -> Result<Vec<ImportedLayout>, Problem> {
        let options = ImportOptions { format: self.format, prompt: self.prompt.as_deref() };
        let imported = match Layout::import(&self.file, &options) {
            Err(ImportError::Ours) => return ours(&self.file),
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

fn text(name: &str, bytes: &[u8]) -> Result<String, Problem> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|error| Problem::malformed(format!("`{name}`: {error}")))
}

fn named(format: &str) -> Result<ForeignFormat, Problem> {
    ForeignFormat::from_name(format).ok_or_else(|| {
        let detail = format!("`format`: found `{format}`, expected one of those that are read");
        Problem::refused(detail).hint(format_names().join(", "))
    })
}

/// The layouts in a file of ours: one, or one a line.
fn ours(file: &[u8]) -> Result<Vec<ImportedLayout>, Problem> {
    let as_is = |(index, layout): (usize, Layout)| ImportedLayout {
        id: index.to_string(),
        layout,
        notes: Vec::new(),
    };
    if let Ok(layout) = Layout::from_bytes(file) {
        return Ok(vec![as_is((0, layout))]);
    }
    let lines = String::from_utf8_lossy(file);
    let lines = lines.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    let layouts: Result<Vec<_>, _> = lines.map(Layout::from_json).collect();
    Ok(layouts?.into_iter().enumerate().map(as_is).collect())
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
