//! Answers with `"stream": true`: looks at the unfinished picture, then the pictures, as server-sent events.

use std::io::Cursor;
use std::sync::Arc;

use axum::response::Response;
use axum::response::sse::Event;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::embedded_file;
use image::{ImageFormat, ImageReader};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorBody, ErrorObject};
use crate::App;
use crate::answer::text;
use crate::follow::follow;
use crate::job::{Job, Running, State, now};
use crate::openapi;
use crate::problem::Problem;
use crate::work::StopIfGone;

/// The most looks that a request may ask for.
const MAX_LOOKS: usize = 3;

/// The events of a picture that is drawn.
pub(crate) const GENERATION_EVENTS: &[openapi::Event] = &[
    openapi::Event::of::<StreamedImage>("image_generation.partial_image"),
    openapi::Event::of::<StreamedImage>("image_generation.completed"),
    openapi::Event::of::<ErrorBody>("error"),
];

/// The events of a picture that is repainted.
pub(crate) const EDIT_EVENTS: &[openapi::Event] = &[
    openapi::Event::of::<StreamedImage>("image_edit.partial_image"),
    openapi::Event::of::<StreamedImage>("image_edit.completed"),
    openapi::Event::of::<ErrorBody>("error"),
];

/// A look at an unfinished picture, or a picture.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiStreamedImage")]
struct StreamedImage<'a> {
    /// The event.
    #[serde(rename = "type")]
    kind: &'a str,
    /// Seconds since 1970.
    created_at: u64,
    /// Width x height.
    size: Option<String>,
    quality: &'static str,
    background: &'static str,
    output_format: &'static str,
    /// The PNG file.
    b64_json: String,
    /// Which look it is, from 0; a picture that is finished has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_image_index: Option<usize>,
}

/// What the client of a job wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Streaming {
    /// How often it wants to see the unfinished picture. A picture that is done sooner is seen fewer times.
    looks: usize,
}

impl Streaming {
    pub(super) fn new(partial_images: Option<usize>) -> Result<Self, Problem> {
        let looks = partial_images.unwrap_or(0);
        if looks > MAX_LOOKS {
            let detail = format!("`partial_images`: expected 0 to {MAX_LOOKS}, found `{looks}`");
            return Err(Problem::malformed(detail));
        }
        Ok(Self { looks })
    }

    /// The events of `job`, which `kind` is the first word of. If the client goes away, the job is stopped.
    pub(super) fn answer(self, app: &App, job: &Arc<Job>, kind: &'static str) -> Response {
        let stop_if_gone = StopIfGone::new(app, job);
        let mut shown = 0;
        let tell = move |state: &State| {
            let _ = &stop_if_gone; // which lives as long as there is somebody to tell
            match state {
                State::Running(running) if self.is_due(running, shown) => {
                    let look = look(running).map(|png| event(kind, "partial_image", &png, Some(shown)));
                    shown += usize::from(look.is_some());
                    look.into_iter().collect()
                }
                State::Done(finished) => {
                    finished.images.iter().map(|image| event(kind, "completed", &image.png, None)).collect()
                }
                State::Failed(problem) => vec![error(problem.clone())],
                State::Cancelled => vec![error(Problem::cancelled())],
                _ => Vec::new(),
            }
        };
        follow(job, tell)
    }

    /// Whether it is time for another look after `shown` of them; looks part the steps evenly.
    fn is_due(self, running: &Running, shown: usize) -> bool {
        shown < self.looks && running.step * (self.looks + 1) >= running.of * (shown + 1)
    }
}

/// The first of the unfinished pictures, one pixel a latent.
fn look(running: &Running) -> Option<Vec<u8>> {
    embedded_file(running.preview.as_ref()?.first()?).ok()
}

fn event(kind: &str, what: &str, png: &[u8], index: Option<usize>) -> Event {
    let name = format!("{kind}.{what}");
    let data = StreamedImage {
        kind: &name,
        created_at: now() as u64,
        size: size(png),
        quality: "auto",
        background: "opaque",
        output_format: "png",
        b64_json: STANDARD.encode(png),
        partial_image_index: index,
    };
    Event::default().event(&name).data(text(&data))
}

/// Width x height of a picture, as that API writes it.
fn size(png: &[u8]) -> Option<String> {
    let (width, height) =
        ImageReader::with_format(Cursor::new(png), ImageFormat::Png).into_dimensions().ok()?;
    Some(format!("{width}x{height}"))
}

fn error(problem: Problem) -> Event {
    Event::default().event("error").data(text(&ErrorObject::from(problem).body()))
}
