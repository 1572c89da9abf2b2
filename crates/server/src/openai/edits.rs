//! `POST /v1/images/edits`: a picture of which a part is repainted, as a form.

use std::sync::{Arc, LazyLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{InpaintMode, Layout};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ErrorObject, Fields, Reply, answer};
use crate::App;
use crate::form::{FORM, Part, given_twice, parts};
use crate::problem::Problem;
use crate::repainting::{MaskKind, Repainting, inpaint_mode};
use crate::work::submit;

/// Fields that are no texts: they hold JSON.
static JSON_FIELDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schemas = [schema_for!(Fields), Layout::schema()];
    let fields = schemas.iter().filter_map(|schema| schema.get("properties")?.as_object()).flatten();
    fields.filter(|(_, schema)| !may_be_text(schema)).map(|(name, _)| name.clone()).collect()
});

/// Whether `schema`, that of a field, lets it be a text.
fn may_be_text(schema: &Value) -> bool {
    let any = |key: &str, holds: fn(&Value) -> bool| {
        schema.get(key).and_then(Value::as_array).is_some_and(|list| list.iter().any(holds))
    };
    schema["type"] == "string"
        || any("type", |kind| kind == "string")
        || any("enum", Value::is_string)
        || any("anyOf", may_be_text)
}

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
        let part = Part { name: name.trim_end_matches("[]").into(), bytes };
        let name = part.name.as_str();
        let value = match name {
            "image" | "mask" => STANDARD.encode(&part.bytes).into(),
            _ if JSON_FIELDS.iter().any(|field| field == name) => serde_json::from_str(&part.text()?)
                .map_err(|e| Problem::malformed(format!("`{name}`: not JSON: {e}")))?,
            _ => part.text()?.into(),
        };
        if values.insert(name.into(), value).is_some() {
            return Err(given_twice(name));
        }
    }
    let edit: Edit =
        serde_json::from_value(Value::from(values)).map_err(|e| Problem::malformed(e.to_string()))?;
    let Edit { image, mask, mut fields } = edit;
    Repainting { image, mask, kind: MaskKind::Transparent, mode }.put_into(&mut fields.layout, max_pixels)?;
    fields.layout()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_json_by_the_schema() {
        let mut fields: Vec<_> = JSON_FIELDS.iter().map(String::as_str).collect();
        fields.sort_unstable();
        let expected = [
            "clip_skip",
            "embeddings",
            "eta",
            "guidance_scale",
            "height",
            "index",
            "inpaint_restore",
            "loras",
            "n",
            "num_images",
            "objects",
            "partial_images",
            "scheduled_sampling_beta",
            "seed",
            "steps",
            "stream",
            "width",
        ];
        assert_eq!(fields, expected);
    }
}
