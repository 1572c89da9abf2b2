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
use crate::job::{FinishedImage, Job};
use crate::problem::Problem;
use crate::work::{JSON, parse, submit, wait};

pub(crate) use self::edits::{Edit, edits};
use self::stream::Streaming;
pub(crate) use self::stream::{EDIT_EVENTS, GENERATION_EVENTS};

/// What we do not honour, and what does no harm when it is not.
const IGNORED: [&str; 8] = [
    "model",
    "quality",
    "style",
    "moderation",
    "user",
    "safety_identifier",
    "input_fidelity",
    "output_compression",
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
    let (job, reply) = submit(&app, &headers, body, JSON, read).await?;
    answer(&app, &headers, &job, reply, "image_generation").await
}

/// How a client wants its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// In the answer.
    Files,
    /// Their addresses, under which they are kept for a while.
    Addresses,
    /// In events, after looks at them.
    Events(Streaming),
}

/// The pictures of `job`, or all events on the way to them, which `kind` is the first word of.
async fn answer(
    app: &App,
    headers: &HeaderMap,
    job: &Arc<Job>,
    reply: Reply,
    kind: &'static str,
) -> Result<Response, ErrorObject> {
    if let Reply::Events(streaming) = reply {
        return Ok(streaming.answer(app, job, kind));
    }
    let finished = wait(app, job).await?;
    let image = |(index, picture): (usize, &FinishedImage)| match reply {
        Reply::Addresses => {
            let url = format!("{}{}", origin(headers), job.image_path(index));
            Image { b64_json: None, url: Some(url) }
        }
        _ => Image { b64_json: Some(STANDARD.encode(&picture.png)), url: None },
    };
    let data = finished.images.iter().enumerate().map(image).collect();
    let images = Images { created: finished.completed as u64, output_format: "png", data };
    Ok(json_answer(StatusCode::OK, &images))
}

/// This server as the client has called it, so that the addresses in its answer lead it back here.
fn origin(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_encrypted = text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let scheme = if is_encrypted { "https" } else { "http" };
    text("host").map(|host| format!("{scheme}://{host}")).unwrap_or_default()
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
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
    /// Where the PNG file is, in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// The fields of that API that mean something here; the others are ours, or unknown.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OpenAiGeneration")]
pub(crate) struct Fields {
    n: Option<usize>,
    size: Option<String>,
    output_format: Option<String>,
    background: Option<String>,
    /// `b64_json`, or `url` for an address that is good as long as the server keeps results.
    response_format: Option<String>,
    /// Whether to answer with events.
    stream: Option<bool>,
    /// Of unfinished pictures, among the events: 0 to 3.
    partial_images: Option<usize>,
    #[serde(flatten)]
    layout: Map<String, Value>,
}

impl Fields {
    /// The layout that they ask for, and how to answer.
    fn layout(self) -> Result<(Layout, Reply), Problem> {
        let Self { n, size, output_format, background, response_format, stream, partial_images, mut layout } =
            self;
        let refuse = |field, expected, found: &str| {
            Err(Problem::malformed(format!("`{field}`: expected {expected}, found `{found}`")))
        };
        match (output_format.as_deref(), background.as_deref()) {
            (Some(format), _) if format != "png" => return refuse("output_format", "`png`", format),
            (_, Some("transparent")) => return refuse("background", "`opaque` or `auto`", "transparent"),
            _ => {}
        }
        let streaming = Streaming::new(partial_images)?;
        let reply = match (stream.unwrap_or(false), response_format.as_deref()) {
            (_, Some(format)) if !["b64_json", "url"].contains(&format) => {
                return refuse("response_format", "`b64_json` or `url`", format);
            }
            (true, _) => Reply::Events(streaming),
            (false, Some("url")) => Reply::Addresses,
            (false, _) => Reply::Files,
        };
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
        Ok((layout, reply))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Layout, Reply), Problem> {
        serde_json::from_str::<Fields>(text).unwrap().layout()
    }

    #[test]
    fn fields_become_a_layouts() {
        let (layout, reply) = read(
            r#"{"model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "512x256", "quality": "high", "user": null,
                "stream": false, "partial_images": 2,
                "objects": [{"phrase": "a cat", "box": [0, 0, 1, 1]}], "seed": 7}"#,
        )
        .unwrap();
        let expected = r#"{"prompt":"a cat","objects":[{"phrase":"a cat","box":[0.0,0.0,1.0,1.0]}],"width":512,"height":256,"seed":7,"num_images":2}"#;
        assert_eq!((layout.to_json().as_str(), reply), (expected, Reply::Files));
        let reply = |field: &str| read(&format!(r#"{{"prompt": "a cat", {field}}}"#)).unwrap().1;
        let events = Reply::Events(Streaming::new(None).unwrap());
        assert_eq!(reply(r#""stream": true"#), events);
        assert_eq!(reply(r#""stream": true, "response_format": "url""#), events);
        assert_eq!(reply(r#""response_format": "url""#), Reply::Addresses);
        assert_eq!(reply(r#""response_format": "b64_json""#), Reply::Files);
        assert_eq!(reply(r#""response_format": null"#), Reply::Files);
    }

    #[test]
    fn addresses_begin_as_the_client_called_the_server() {
        let of = |pairs: &[(&'static str, &str)]| {
            origin(
                &pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            )
        };
        assert_eq!(of(&[("host", "localhost:7788")]), "http://localhost:7788");
        assert_eq!(
            of(&[("host", "pictures.example"), ("x-forwarded-proto", "https")]),
            "https://pictures.example"
        );
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn what_would_change_the_picture_is_refused() {
        for (field, words) in [
            (r#""background": "transparent""#, "`background`"),
            (r#""output_format": "webp""#, "`output_format`"),
            (r#""stream": true, "partial_images": 4"#, "`partial_images`: expected 0 to 3, found `4`"),
            (r#""size": "big""#, "`size`"),
            (r#""response_format": "png""#, "`response_format`: expected `b64_json` or `url`, found `png`"),
            (r#""sede": 7"#, "unknown key `sede`"),
        ] {
            let problem = read(&format!(r#"{{"prompt": "a cat", {field}}}"#)).unwrap_err();
            assert!(problem.message().contains(words), "{}", problem.message());
        }
    }
}
