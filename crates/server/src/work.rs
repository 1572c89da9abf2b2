//! From what a client sent to what can be drawn: received within limits, read, checked, pictures unpacked.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use gligen_pipeline::{Layout, Pipeline, RequestError, embedded_picture};
use serde::de::DeserializeOwned;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::data_url;
use crate::job::{Finished, Job, State, Work};
use crate::problem::Problem;
use crate::queue::Queue;
use crate::{App, Limits, Options};

/// Bodies of more bytes take turns, so that many of them at once do not fill the memory.
const LARGE_BODY: u64 = 256 << 10;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// A body that has arrived; while it is kept, its turn among the large ones lasts.
pub(crate) struct Received<'a> {
    pub(crate) bytes: Bytes,
    _turn: Option<SemaphorePermit<'a>>,
}

/// Receives `body`, which should be of `media_type`, makes a layout of it by `read`, and takes it into the queue. What
/// `read` finds beside the layout comes back with the job.
pub(crate) async fn submit<T: Send + 'static>(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: Body,
    media_type: &str,
    read: impl FnOnce(Bytes) -> Result<(Layout, T), Problem> + Send + 'static,
) -> Result<(Arc<Job>, T), Problem> {
    // A full queue is told before a long body is received.
    app.queue.check_place().inspect_err(|_| app.queue.metrics.refused())?;
    let received = receive(app, headers, body, media_type).await?;
    let (for_work, bytes) = (app.clone(), received.bytes.clone());
    let (work, beside) = in_background(move || {
        let (layout, beside) = read(bytes)?;
        Ok((prepare(layout, &for_work.pipeline, &for_work.options)?, beside))
    })
    .await?;
    Ok((app.queue.submit(work)?, beside))
}

/// Receives `body`, which should be of `media_type`.
pub(crate) async fn receive<'a>(
    app: &'a App,
    headers: &HeaderMap,
    body: Body,
    media_type: &str,
) -> Result<Received<'a>, Problem> {
    check_content_type(headers, media_type)?;
    let limit = app.options.limits.body_bytes;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let patience = app.options.request_timeout;
    let turn = match length {
        Some(length) if length <= LARGE_BODY => None,
        _ => {
            let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many large requests at once");
            let turn = timeout(patience, app.large_bodies.acquire()).await;
            Some(turn.ok().and_then(Result::ok).ok_or_else(|| busy().retry_after(5))?)
        }
    };
    Ok(Received { bytes: collect(body, limit, patience).await?, _turn: turn })
}

/// Runs `work`, which may take a while, where it keeps no connection waiting.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let broken = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be read");
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// Waits for the end of `job`. Dropped before, as when its client goes away, it stops the job.
pub(crate) async fn wait(app: &App, job: &Arc<Job>) -> Result<Arc<Finished>, Problem> {
    let _stop_if_gone = StopIfGone::new(app, job);
    let mut states = job.watch();
    let state = states.wait_for(State::is_over).await.map(|state| state.clone());
    match state {
        Ok(State::Done(finished)) => Ok(finished),
        Ok(State::Failed(problem)) => Err(problem),
        _ => Err(Problem::cancelled()),
    }
}

/// Stops a job if it is dropped before the job's end: who waited for it is gone.
pub(crate) struct StopIfGone {
    job: Arc<Job>,
    queue: Arc<Queue>,
}

impl StopIfGone {
    pub(crate) fn new(app: &App, job: &Arc<Job>) -> Self {
        Self { job: job.clone(), queue: app.queue.clone() }
    }
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
    std::str::from_utf8(bytes).map_err(|error| Problem::malformed(format!("not JSON: {error}")))
}

/// What a body holds that should be JSON.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_str(utf8(bytes)?).map_err(|error| match error.is_data() {
        true => Problem::refused(error.to_string()),
        false => Problem::malformed(format!("not JSON: {error}")),
    })
}

fn check_content_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let Some(found) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let found = String::from_utf8_lossy(found.as_bytes()).to_lowercase();
    let mime = found.split(';').next().unwrap_or_default().trim();
    if mime == expected || (expected == JSON && mime.ends_with("+json")) {
        return Ok(());
    }
    let detail = format!("the body is `{mime}`, expected `{expected}`");
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    Err(match expected {
        JSON => problem.hint("curl --json @layout.json says so by itself"),
        _ => problem,
    })
}

async fn collect(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let bytes = timeout(patience, to_bytes(body, limit)).await.map_err(|_| {
        let detail = format!("the request did not arrive within {} s", patience.as_secs_f64());
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    })?;
    bytes.map_err(|error| match std::error::Error::source(&error) {
        Some(source) if source.to_string().contains("limit") => too_large(limit),
        _ => Problem::malformed(format!("the body cannot be read: {error}")),
    })
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes"))
        .hint("make what is in it smaller")
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
    layout.pictures_mut().for_each(|base64| *base64 = data_url::of_base64(&base64.to_string_lossy()).into());
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
        Err(Problem::refused(detail)
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
