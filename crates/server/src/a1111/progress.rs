//! The job that is drawn now: how far it is, and stopping it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;
use crate::answer::json_answer;
use crate::data_url;
use crate::job::State as JobState;

/// How far the job is that is drawn now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Progress")]
pub(crate) struct Progress<'a> {
    /// From 0 to 1; 0 if none is drawn.
    progress: f64,
    /// Seconds left.
    eta_relative: f64,
    state: Steps,
    /// A look at it, a PNG file in base64.
    current_image: Option<&'a str>,
    textinfo: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Steps")]
struct Steps {
    /// Jobs that are drawn: 0 or 1.
    job_count: usize,
    sampling_step: usize,
    sampling_steps: usize,
}

pub(crate) async fn progress(State(app): State<Arc<App>>) -> Response {
    let running = match app.queue.running().map(|job| job.state()) {
        Some(JobState::Running(running)) => Some(running),
        _ => None,
    };
    let (step, of, eta) = running.as_ref().map_or((0, 0, None), |job| (job.step, job.of, job.eta_s));
    let look = running.as_ref().and_then(|job| job.preview.as_ref()?.first());
    let body = Progress {
        progress: step as f64 / of.max(1) as f64,
        eta_relative: eta.unwrap_or(0.0),
        state: Steps { job_count: usize::from(running.is_some()), sampling_step: step, sampling_steps: of },
        current_image: look.and_then(|url| data_url::to_base64(url)),
        textinfo: None,
    };
    json_answer(StatusCode::OK, &body)
}

/// An empty answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Nothing")]
pub(crate) struct Nothing {}

pub(crate) async fn interrupt(State(app): State<Arc<App>>) -> Response {
    if let Some(job) = app.queue.running() {
        app.queue.cancel(&job);
    }
    json_answer(StatusCode::OK, &Nothing {})
}
