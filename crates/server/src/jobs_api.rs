//! `/v1/jobs/…`: how far a job is, as a snapshot and as events; its pictures; cancelling it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::App;
use crate::answer::json_answer;
use crate::job::{Job, State as JobState};
use crate::problem::Problem;

/// Seconds after which a client that lost its connection may come back.
const RETRY: Duration = Duration::from_secs(2);

/// Proxies drop connections on which nothing moves.
const HEARTBEAT: Duration = Duration::from_secs(15);

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

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let job = app.queue.find(&id)?;
    Ok(Sse::new(follow(job)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The events of `job` from now to its end. A slow reader misses what was overtaken, never the end.
fn follow(job: Arc<Job>) -> impl Stream<Item = Result<Event, Infallible>> {
    let follower = Follower { states: job.watch(), job, last: None, sent: 0 };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        if follower.last.is_some() && follower.states.changed().await.is_err() {
            return None;
        }
        let state = follower.states.borrow_and_update().clone();
        let events = follower.events(&state);
        let rest = (!state.is_over()).then(|| {
            follower.last = Some(state);
            follower
        });
        Some((stream::iter(events), rest))
    })
    .flatten()
}

struct Follower {
    job: Arc<Job>,
    states: watch::Receiver<JobState>,
    last: Option<JobState>,
    sent: u64,
}

impl Follower {
    /// What is new in `state`.
    fn events(&mut self, state: &JobState) -> Vec<Result<Event, Infallible>> {
        let mut events = Vec::new();
        let mut tell = |name: &str, data: &Value| {
            self.sent += 1;
            let event = Event::default().event(name).id(self.sent.to_string()).retry(RETRY);
            events.push(Ok(event.data(data.to_string())));
        };
        match state {
            JobState::Queued { position } => tell("queued", &json!({"position": position})),
            JobState::Running(running) => {
                tell("progress", &running.json());
                let last =
                    if let Some(JobState::Running(last)) = &self.last { last.preview.as_ref() } else { None };
                if let Some(preview) = &running.preview
                    && last.is_none_or(|last| !Arc::ptr_eq(last, preview))
                {
                    tell("preview", &json!({"step": running.step, "images": **preview}));
                }
            }
            JobState::Done(_) => tell("done", &self.job.json()),
            JobState::Failed(problem) => tell("failed", &problem.json()),
            JobState::Cancelled => tell("cancelled", &json!({})),
        }
        events
    }
}
