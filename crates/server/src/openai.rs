//! `/v1/images/…`, as clients of OpenAI's images API speak it.
//!
//! ```text
//! JSON ─▶ Fields ─────────┐
//! form ─▶ Edit, Fields ───┴▶ layout ─▶ job ─▶ answer, or its events (Streaming)
//! ```
//!
//! Boxes come in the extra field `objects`, as in a layout; so may `negative_prompt`, `seed`, `steps`,
//! `guidance_scale`, `scheduled_sampling_beta` and `scheduler`. What only weighs quality against cost is ignored; what
//! would change the picture's meaning is refused.

mod edits;
mod stream;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::Layout;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::App;
use crate::answer::json_answer;
use crate::job::{Finished, FinishedImage, Job};
use crate::problem::Problem;
use crate::work::{JSON, parse, submit, wait};

pub(crate) use self::edits::{Edit, edits};
use self::stream::Streaming;

/// What we do not honour, and what does no harm when it is not.
const IGNORED: [&str; 9] = [
    "model",
    "quality",
    "style",
    "moderation",
    "user",
    "safety_identifier",
    "input_fidelity",
    "output_compression",
    "response_format",
];

/// A problem as clients of that API read it.
pub(crate) struct ErrorObject(Problem);

impl From<Problem> for ErrorObject {
    fn from(mut problem: Problem) -> Self {
        // That API knows one status for all that is wrong with a request.
        if problem.status == StatusCode::UNPROCESSABLE_ENTITY {
            problem.status = StatusCode::BAD_REQUEST;
        }
        Self(problem)
    }
}

/// What is wrong, in that API.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiError")]
pub(crate) struct ErrorBody {
    error: ErrorFields,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiErrorFields")]
struct ErrorFields {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: Option<String>,
}

impl ErrorObject {
    fn body(&self) -> ErrorBody {
        let kind = match self.0.status.is_client_error() {
            true => "invalid_request_error",
            false => "server_error",
        };
        ErrorBody { error: ErrorFields { message: self.0.message(), kind, param: None, code: None } }
    }
}

impl IntoResponse for ErrorObject {
    fn into_response(self) -> Response {
        self.0.in_other_words(&self.body())
    }
}

pub(crate) async fn generations(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorObject> {
    let read = |bytes: Bytes| parse::<Fields>(&bytes)?.layout();
    let (job, streaming) = submit(&app, &headers, body, JSON, read).await?;
    answer(&app, &job, streaming, "image_generation").await
}

/// The pictures of `job`, or all events on the way to them, which `kind` is the first word of.
async fn answer(
    app: &App,
    job: &Arc<Job>,
    streaming: Option<Streaming>,
    kind: &'static str,
) -> Result<Response, ErrorObject> {
    match streaming {
        Some(streaming) => Ok(streaming.answer(app, job, kind)),
        None => Ok(pictures(&*wait(app, job).await?)),
    }
}

/// The pictures of a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiImages")]
pub(crate) struct Images {
    /// Seconds since 1970.
    created: u64,
    output_format: &'static str,
    data: Vec<Image>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiImage")]
struct Image {
    /// The PNG file.
    b64_json: String,
}

fn pictures(finished: &Finished) -> Response {
    let image = |image: &FinishedImage| Image { b64_json: STANDARD.encode(&image.png) };
    let data = finished.images.iter().map(image).collect();
    json_answer(StatusCode::OK, &Images { created: finished.completed as u64, output_format: "png", data })
}

/// The fields of that API that mean something here; the others are ours, or unknown.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OpenAiGeneration")]
pub(crate) struct Fields {
    n: Option<usize>,
    size: Option<String>,
    output_format: Option<String>,
    background: Option<String>,
    /// Whether to answer with events.
    stream: Option<bool>,
    /// Of unfinished pictures, among the events: 0 to 3.
    partial_images: Option<usize>,
    #[serde(flatten)]
    layout: Map<String, Value>,
}

impl Fields {
    /// The layout that they ask for, and what to tell of it meanwhile.
    fn layout(self) -> Result<(Layout, Option<Streaming>), Problem> {
        let Self { n, size, output_format, background, stream, partial_images, mut layout } = self;
        let refuse = |field, expected, found: &str| {
            Err(Problem::malformed(format!("`{field}`: expected {expected}, found `{found}`")))
        };
        match (output_format.as_deref(), background.as_deref()) {
            (Some(format), _) if format != "png" => return refuse("output_format", "`png`", format),
            (_, Some("transparent")) => return refuse("background", "`opaque` or `auto`", "transparent"),
            _ => {}
        }
        let streaming = Streaming::new(partial_images)?;
        if let Some(size) = size.filter(|size| size != "auto") {
            let sides = size
                .split_once('x')
                .and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
            let Some((width, height)) = sides else {
                return refuse("size", "`auto` or width x height, such as `512x512`", &size);
            };
            layout.insert("width".into(), width.into());
            layout.insert("height".into(), height.into());
        }
        layout.extend(n.map(|n| ("num_images".into(), n.into())));
        IGNORED.iter().for_each(|field| drop(layout.remove(*field)));
        layout.retain(|_, value| !value.is_null());
        let layout = Layout::from_json(&Value::from(layout).to_string())?;
        Ok((layout, stream.unwrap_or(false).then_some(streaming)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Layout, Option<Streaming>), Problem> {
        serde_json::from_str::<Fields>(text).unwrap().layout()
    }

    #[test]
    fn fields_become_a_layouts() {
        let (layout, streaming) = read(
            r#"{"model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "512x256", "quality": "high", "user": null,
                "stream": false, "partial_images": 2,
                "objects": [{"phrase": "a cat", "box": [0, 0, 1, 1]}], "seed": 7}"#,
        )
        .unwrap();
        let expected = r#"{"prompt":"a cat","objects":[{"phrase":"a cat","box":[0.0,0.0,1.0,1.0]}],"width":512,"height":256,"seed":7,"num_images":2}"#;
        assert_eq!((layout.to_json().as_str(), streaming), (expected, None));
        let (_, streaming) = read(r#"{"prompt": "a cat", "stream": true}"#).unwrap();
        assert_eq!(streaming, Some(Streaming::new(Some(0)).unwrap()));
    }

    #[test]
    fn what_would_change_the_picture_is_refused() {
        for (field, words) in [
            (r#""background": "transparent""#, "`background`"),
            (r#""output_format": "webp""#, "`output_format`"),
            (r#""stream": true, "partial_images": 4"#, "`partial_images`: expected 0 to 3, found `4`"),
            (r#""size": "big""#, "`size`"),
            (r#""sede": 7"#, "unknown key `sede`"),
        ] {
            let problem = read(&format!(r#"{{"prompt": "a cat", {field}}}"#)).unwrap_err();
            assert!(problem.message().contains(words), "{}", problem.message());
        }
    }
}
