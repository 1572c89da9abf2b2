//! `POST /v1/generate`: from a body to a job, and to its answer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{Layout, PictureError, Pipeline, RequestError, Transparency, embedded_picture};
use serde_json::json;
use tokio::time::timeout;

use crate::answer::json_answer;
use crate::job::{Finished, Job, State as JobState, Work};
use crate::problem::Problem;
use crate::queue::Queue;
use crate::{App, Limits};

/// Bodies of more bytes take turns, so that many of them at once do not fill the memory.
const LARGE_BODY: u64 = 256 << 10;

pub(crate) async fn generate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.queue.check_place().inspect_err(|_| app.queue.metrics.refused())?;
    check_content_type(&headers)?;
    let work = read_work(&app, &headers, body).await?;
    let job = app.queue.submit(work)?;
    if wants_async(&headers) {
        let location = [(header::LOCATION, format!("/v1/jobs/{}", job.id))];
        return Ok((location, json_answer(StatusCode::ACCEPTED, &job.json())).into_response());
    }
    // A client that goes away drops this future, and its job with it.
    let _stop_if_gone = StopIfGone { job: job.clone(), queue: app.queue.clone() };
    let mut states = job.watch();
    let state = states.wait_for(JobState::is_over).await.map(|state| state.clone());
    match state {
        Ok(JobState::Done(finished)) => Ok(answer(&headers, &job, &finished)),
        Ok(JobState::Failed(problem)) => Err(problem),
        _ => Err(Problem::new(StatusCode::CONFLICT, "the job was cancelled")),
    }
}

/// The first picture itself for who wants nothing but a picture, all of them in JSON otherwise.
fn answer(headers: &HeaderMap, job: &Job, finished: &Finished) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.starts_with("image/png")
        && let Some(image) = finished.images.first()
    {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
            (header::HeaderName::from_static("gligen-seed"), HeaderValue::from(image.seed)),
        ];
        return (headers, image.png.clone()).into_response();
    }
    let mut json = job.json();
    for (index, image) in finished.images.iter().enumerate() {
        json["result"]["images"][index]["b64_json"] = json!(STANDARD.encode(&image.png));
    }
    json_answer(StatusCode::OK, &json)
}

struct StopIfGone {
    job: Arc<Job>,
    queue: Arc<Queue>,
}

impl Drop for StopIfGone {
    fn drop(&mut self) {
        if !self.job.state().is_over() {
            self.queue.cancel(&self.job);
        }
    }
}

fn wants_async(headers: &HeaderMap) -> bool {
    let mut wishes = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    wishes.any(|wish| wish.split([',', ';']).any(|word| word.trim().eq_ignore_ascii_case("respond-async")))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(found) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let found = String::from_utf8_lossy(found.as_bytes()).to_lowercase();
    let mime = found.split(';').next().unwrap_or_default().trim();
    if mime == "application/json" || mime.ends_with("+json") {
        return Ok(());
    }
    let detail = format!("the body is `{mime}`, expected `application/json`");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
        .hint("curl --json @layout.json says so by itself"))
}

/// Receives the body and makes of it what can be drawn.
async fn read_work(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Work, Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > app.options.limits.body_bytes as u64) {
        return Err(too_large(app.options.limits.body_bytes));
    }
    let patience = app.options.request_timeout;
    let _turn = match length {
        Some(length) if length <= LARGE_BODY => None,
        _ => Some(timeout(patience, app.large_bodies.acquire()).await.map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many large requests at once").retry_after(5)
        })?),
    };
    let bytes = receive(body, app.options.limits.body_bytes, patience).await?;
    let app = app.clone();
    let prepared = tokio::task::spawn_blocking(move || prepare(&bytes, &app.pipeline, &app.options.limits));
    prepared.await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be read"))
    })
}

async fn receive(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let bytes = timeout(patience, to_bytes(body, limit)).await.map_err(|_| {
        let detail = format!("the request did not arrive within {} s", patience.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    bytes.map_err(|error| match std::error::Error::source(&error) {
        Some(source) if source.to_string().contains("limit") => too_large(limit),
        _ => Problem::new(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")),
    })
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes"))
        .hint("make the pictures in it smaller")
}

/// The work that the body `bytes` asks for: read, checked, and with its pictures unpacked.
fn prepare(bytes: &[u8], pipeline: &Pipeline, limits: &Limits) -> Result<Work, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("not JSON: {error}")))?;
    let mut layout = Layout::from_json(text)?;
    check_limits(&layout, limits)?;
    let mut pixels = limits.picture_pixels;
    let request = layout.clone().into_request_with(|name, transparency| {
        let picture = read_embedded(name, transparency, pixels)?;
        pixels -= (picture.width() * picture.height()) as u64;
        Ok(picture)
    })?;
    layout.seed = Some(request.seed);
    let plan = pipeline.plan(&request)?;
    range(plan.steps <= limits.steps, "steps", limits.steps, plan.steps)?;
    range(plan.width <= limits.side, "width", limits.side, plan.width)?;
    range(plan.height <= limits.side, "height", limits.side, plan.height)?;
    range(plan.pictures() <= limits.pictures, "num_images", limits.pictures, plan.pictures())?;
    let pixels = plan.width * plan.height * plan.pictures();
    if pixels > limits.pixels {
        let expected = format!("at most {} pixels in all pictures together", limits.pixels);
        Err(RequestError::Range { field: "num_images", expected, found: format!("{pixels}") })?;
    }
    Ok(Work { layout, plan })
}

/// What must be small before anything is done with it.
fn check_limits(layout: &Layout, limits: &Limits) -> Result<(), RequestError> {
    range(layout.prompt.len() <= limits.pictures, "prompt", limits.pictures, layout.prompt.len())?;
    for list in &layout.objects {
        range(list.len() <= limits.objects, "objects", limits.objects, list.len())?;
    }
    range(layout.objects.len() <= limits.pictures, "objects", limits.pictures, layout.objects.len())?;
    let phrases = layout.objects.iter().flatten().filter_map(|object| object.phrase.as_ref());
    for (field, text) in [("prompt", &layout.prompt), ("negative_prompt", &layout.negative_prompt)]
        .into_iter()
        .flat_map(|(field, texts)| texts.iter().map(move |text| (field, text)))
        .chain(phrases.map(|phrase| ("phrase", phrase)))
    {
        let length = text.chars().count();
        if length > limits.text {
            let expected = format!("at most {} characters", limits.text);
            return Err(RequestError::Range { field, expected, found: length.to_string() });
        }
    }
    Ok(())
}

fn range(is_ok: bool, field: &'static str, most: usize, found: usize) -> Result<(), RequestError> {
    if is_ok {
        return Ok(());
    }
    let expected = format!("at most {most} on this server");
    Err(RequestError::Range { field, expected, found: found.to_string() })
}

/// The picture that stands in the request itself; what a path names is never opened.
fn read_embedded(
    name: &Path,
    transparency: Transparency,
    max_pixels: u64,
) -> Result<gligen_pipeline::Picture, PictureError> {
    embedded_picture(&name.to_string_lossy(), transparency, max_pixels)
}
