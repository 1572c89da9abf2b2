//! `/v1/jobs/…`: how far a job is, as a snapshot and as events; its pictures; cancelling it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;
use crate::answer::{json_answer, text};
use crate::follow::follow;
use crate::job::{Job, JobObject, JobProgress, State as JobState};
use crate::openapi;
use crate::problem::{Problem, ProblemBody};

/// Seconds after which a client that lost its connection may come back.
const RETRY: Duration = Duration::from_secs(2);

pub(crate) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(json_answer(StatusCode::OK, &app.queue.find(&id)?.json()))
}

pub(crate) async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let job = app.queue.find(&id)?;
    let state = job.state();
    if state.is_over() {
        let detail = format!("this job is {} already", state.status());
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    app.queue.cancel(&job);
    Ok(json_answer(StatusCode::OK, &job.json()))
}

pub(crate) async fn image(
    State(app): State<Arc<App>>,
    Path((id, index)): Path<(String, usize)>,
) -> Result<Response, Problem> {
    let JobState::Done(finished) = app.queue.find(&id)?.state() else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "this job has no pictures (yet)"));
    };
    let image = finished.images.get(index).ok_or_else(|| {
        let detail = format!("picture {index} of a job of {}", finished.images.len());
        Problem::new(StatusCode::NOT_FOUND, detail).hint("the first picture has the index 0")
    })?;
    // It never changes under this name.
    let cache = "private, max-age=600, immutable";
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, cache)];
    Ok((headers, image.png.clone()).into_response())
}

pub(crate) async fn events(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let job = app.queue.find(&id)?;
    let mut teller = Teller { job: job.clone(), preview: None, sent: 0 };
    Ok(follow(&job, move |state| teller.events(state)))
}

/// The events of a job.
pub(crate) const EVENTS: &[openapi::Event] = &[
    openapi::Event::of::<Queued>("queued"),
    openapi::Event::of::<JobProgress>("progress"),
    openapi::Event::of::<Preview>("preview"),
    openapi::Event::of::<JobObject>("done"),
    openapi::Event::of::<ProblemBody>("failed"),
    openapi::Event::of::<Cancelled>("cancelled"),
];

/// A job waits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobQueued")]
struct Queued {
    /// Jobs that come before it, the running one included.
    position: usize,
}

/// A look at the unfinished pictures.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobPreview")]
struct Preview<'a> {
    /// Evaluations done.
    step: usize,
    /// One pixel a latent, as data URLs.
    images: &'a [String],
}

/// A job was cancelled; there is no more to say.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobCancelled")]
struct Cancelled {}

/// Tells what is new.
struct Teller {
    job: Arc<Job>,
    /// The last that was told.
    preview: Option<Arc<Vec<String>>>,
    sent: u64,
}

impl Teller {
    /// What is new in `state`.
    fn events(&mut self, state: &JobState) -> Vec<Event> {
        match state {
            JobState::Queued { position } => vec![self.event("queued", &Queued { position: *position })],
            JobState::Running(running) => {
                let mut events = vec![self.event("progress", &running.progress())];
                if let Some(preview) = &running.preview
                    && self.preview.as_ref().is_none_or(|last| !Arc::ptr_eq(last, preview))
                {
                    let look = Preview { step: running.step, images: preview };
                    events.push(self.event("preview", &look));
                    self.preview = Some(preview.clone());
                }
                events
            }
            JobState::Done(_) => vec![self.event("done", &self.job.json())],
            JobState::Failed(problem) => vec![self.event("failed", &problem.body())],
            JobState::Cancelled => vec![self.event("cancelled", &Cancelled {})],
        }
    }

    fn event(&mut self, name: &str, data: &impl Serialize) -> Event {
        self.sent += 1;
        Event::default().event(name).id(self.sent.to_string()).retry(RETRY).data(text(data))
    }
}
