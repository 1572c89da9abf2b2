//! `POST /v1/images/edits`: a picture of which a part is repainted, as a form.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{InpaintMode, Layout};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ErrorObject, Fields, Reply, answer};
use crate::App;
use crate::form::{FORM, Part, parts};
use crate::problem::Problem;
use crate::repainting::{MaskKind, Repainting, inpaint_mode};
use crate::work::submit;

/// Fields that are no texts: they hold JSON.
const JSON_FIELDS: [&str; 14] = [
    "n",
    "stream",
    "partial_images",
    "objects",
    "num_images",
    "width",
    "height",
    "inpaint_restore",
    "seed",
    "steps",
    "guidance_scale",
    "scheduled_sampling_beta",
    "eta",
    "clip_skip",
];

pub(crate) async fn edits(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorObject> {
    let (mode, max_pixels) = (inpaint_mode(&app), app.options.limits.picture_pixels);
    let for_form = headers.clone();
    let read = move |bytes: Bytes| edit(parts(&for_form, bytes)?, mode, max_pixels);
    let (job, reply) = submit(&app, &headers, body, FORM, read).await?;
    answer(&app, &headers, &job, reply, "image_edit").await
}

/// The parts of such a form. `image` may also be called `image[]`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OpenAiEdit")]
pub(crate) struct Edit {
    /// The picture: PNG, JPEG or WebP.
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    image: String,
    /// A picture of the same size, transparent where to repaint. Left out, the transparent parts of `image` are
    /// repainted, or else the boxes.
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    mask: Option<String>,
    #[serde(flatten)]
    fields: Fields,
}

/// The layout that the form `parts` asks for, and how to answer.
fn edit(parts: Vec<Part>, mode: InpaintMode, max_pixels: u64) -> Result<(Layout, Reply), Problem> {
    let mut values = Map::new();
    for Part { name, bytes } in parts {
        let name = name.trim_end_matches("[]");
        let text =
            || String::from_utf8(bytes.to_vec()).map_err(|e| Problem::malformed(format!("`{name}`: {e}")));
        let value = match name {
            "image" | "mask" => STANDARD.encode(&bytes).into(),
            _ if JSON_FIELDS.contains(&name) => serde_json::from_str(&text()?)
                .map_err(|e| Problem::malformed(format!("`{name}`: not JSON: {e}")))?,
            _ => text()?.into(),
        };
        if values.insert(name.into(), value).is_some() {
            return Err(Problem::malformed(format!("`{name}`: given twice, expected once")));
        }
    }
    let edit: Edit =
        serde_json::from_value(Value::from(values)).map_err(|e| Problem::malformed(e.to_string()))?;
    let Edit { image, mask, mut fields } = edit;
    Repainting { image, mask, kind: MaskKind::Transparent, mode }.put_into(&mut fields.layout, max_pixels)?;
    fields.layout()
}
