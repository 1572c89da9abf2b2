//! From what a client sent to what can be drawn: received within limits, read, checked, pictures unpacked.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use gligen_pipeline::{Layout, Pipeline, RequestError, embedded_picture};
use tokio::time::timeout;

use crate::job::{Finished, Job, State, Work};
use crate::problem::Problem;
use crate::queue::Queue;
use crate::{App, Limits, Options};

/// Bodies of more bytes take turns, so that many of them at once do not fill the memory.
const LARGE_BODY: u64 = 256 << 10;

/// Receives `body`, makes a layout of it by `read`, and takes it into the queue.
pub(crate) async fn submit(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: Body,
    read: impl FnOnce(&[u8]) -> Result<Layout, Problem> + Send + 'static,
) -> Result<Arc<Job>, Problem> {
    // A full queue is told before a long body is received.
    app.queue.check_place().inspect_err(|_| app.queue.metrics.refused())?;
    check_content_type(headers)?;
    let limit = app.options.limits.body_bytes;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let patience = app.options.request_timeout;
    let _turn = match length {
        Some(length) if length <= LARGE_BODY => None,
        _ => Some(timeout(patience, app.large_bodies.acquire()).await.map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many large requests at once").retry_after(5)
        })?),
    };
    let bytes = receive(body, limit, patience).await?;
    let for_work = app.clone();
    let work =
        tokio::task::spawn_blocking(move || prepare(read(&bytes)?, &for_work.pipeline, &for_work.options));
    let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be read");
    app.queue.submit(work.await.map_err(broken)??)
}

/// Waits for the end of `job`. Dropped before, as when its client goes away, it stops the job.
pub(crate) async fn wait(app: &App, job: &Arc<Job>) -> Result<Arc<Finished>, Problem> {
    let _stop_if_gone = StopIfGone { job: job.clone(), queue: app.queue.clone() };
    let mut states = job.watch();
    let state = states.wait_for(State::is_over).await.map(|state| state.clone());
    match state {
        Ok(State::Done(finished)) => Ok(finished),
        Ok(State::Failed(problem)) => Err(problem),
        _ => Err(Problem::new(StatusCode::CONFLICT, "the job was cancelled")),
    }
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

/// The text of a body that should be JSON.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("not JSON: {error}")))
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

async fn receive(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let bytes = timeout(patience, to_bytes(body, limit)).await.map_err(|_| {
        let detail = format!("the request did not arrive within {} s", patience.as_secs_f64());
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

/// Checks `layout` and unpacks the pictures that stand in it; what a path names is never opened.
fn prepare(mut layout: Layout, pipeline: &Pipeline, options: &Options) -> Result<Work, Problem> {
    let limits = &options.limits;
    check_adapters(&mut layout, options)?;
    check_texts_and_lists(&layout, limits)?;
    let mut pixels = limits.picture_pixels;
    let request = layout.clone().into_request_with(|name, transparency| {
        let picture = embedded_picture(&name.to_string_lossy(), transparency, pixels)?;
        pixels -= (picture.width() * picture.height()) as u64;
        Ok(picture)
    })?;
    // As a layout says it that is read where paths count, too.
    layout.pictures_mut().for_each(|base64| *base64 = data_url(&base64.to_string_lossy()).into());
    layout.seed = Some(request.seed);
    let plan = pipeline.plan(&request)?;
    range("steps", limits.steps, plan.steps)?;
    range("width", limits.side, plan.width)?;
    range("height", limits.side, plan.height)?;
    range("num_images", limits.pictures, plan.pictures())?;
    let pixels = plan.width * plan.height * plan.pictures();
    if pixels > limits.pixels {
        let expected = format!("at most {} pixels in all pictures together", limits.pixels);
        Err(RequestError::Range { field: "num_images", expected, found: pixels.to_string() })?;
    }
    Ok(Work { layout, plan })
}

/// A request may name the files that the server has changed its model by, as its pictures do, but no others.
fn check_adapters(layout: &mut Layout, options: &Options) -> Result<(), Problem> {
    let refused = |key| {
        let detail = format!("`{key}`: not those that this server was started with");
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            .hint("leave it out: files are named when the server starts, not by requests"))
    };
    if !layout.loras.is_empty() && layout.loras != options.loras {
        return refused("loras");
    }
    if !layout.embeddings.is_empty() && layout.embeddings != options.embeddings {
        return refused("embeddings");
    }
    layout.loras.clone_from(&options.loras);
    layout.embeddings.clone_from(&options.embeddings);
    Ok(())
}

/// The data URL of a picture in bare base64.
fn data_url(base64: &str) -> String {
    let media_type = match base64.trim_start() {
        text if text.starts_with("iVBOR") => "image/png",
        text if text.starts_with("/9j/") => "image/jpeg",
        _ => "image/webp",
    };
    format!("data:{media_type};base64,{base64}")
}

/// What must be small before anything is done with it.
fn check_texts_and_lists(layout: &Layout, limits: &Limits) -> Result<(), RequestError> {
    range("prompt", limits.pictures, layout.prompt.len())?;
    range("objects", limits.pictures, layout.objects.len())?;
    for list in &layout.objects {
        range("objects", limits.objects, list.len())?;
    }
    let check = |field, text: &String| match text.chars().count() {
        length if length > limits.text => {
            let expected = format!("at most {} characters", limits.text);
            Err(RequestError::Range { field, expected, found: length.to_string() })
        }
        _ => Ok(()),
    };
    layout.prompt.iter().try_for_each(|text| check("prompt", text))?;
    layout.negative_prompt.iter().try_for_each(|text| check("negative_prompt", text))?;
    let phrases = layout.objects.iter().flatten().filter_map(|object| object.phrase.as_ref());
    phrases.into_iter().try_for_each(|text| check("phrase", text))
}

fn range(field: &'static str, most: usize, found: usize) -> Result<(), RequestError> {
    match found <= most {
        true => Ok(()),
        false => {
            let expected = format!("at most {most} on this server");
            Err(RequestError::Range { field, expected, found: found.to_string() })
        }
    }
}
