//! A request on its way to pictures.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{Layout, Plan};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::problem::{Problem, ProblemBody};

/// A request that was checked.
pub(crate) struct Work {
    pub(crate) layout: Layout,
    pub(crate) plan: Plan,
}

/// A request on its way to pictures, as seen by those who wait for it and by the one who draws it.
pub(crate) struct Job {
    /// Nobody can guess it, so that only who was told it sees the pictures.
    pub(crate) id: String,
    created: f64,
    state: watch::Sender<State>,
    is_unwanted: AtomicBool,
    work: Mutex<Option<Work>>,
}

/// How far it has come.
#[derive(Clone)]
pub(crate) enum State {
    Queued {
        /// Jobs that come before it, the running one included.
        position: usize,
    },
    Running(Running),
    Done(Arc<Finished>),
    Failed(Problem),
    Cancelled,
}

/// A job that is being drawn.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) started: f64,
    /// Evaluations done.
    pub(crate) step: usize,
    /// Of so many.
    pub(crate) of: usize,
    /// Seconds left, once they can be told.
    pub(crate) eta_s: Option<f64>,
    /// A look at the pictures, as data URLs.
    pub(crate) preview: Option<Arc<Vec<String>>>,
}

/// What a job gave.
pub(crate) struct Finished {
    pub(crate) images: Vec<FinishedImage>,
    pub(crate) warnings: Vec<String>,
    pub(crate) started: f64,
    pub(crate) completed: f64,
}

/// One picture.
pub(crate) struct FinishedImage {
    /// The file.
    pub(crate) png: Bytes,
    pub(crate) seed: u64,
    pub(crate) withheld: bool,
    /// What repeats it; `None` if it holds pictures too large for the text of a file.
    pub(crate) layout: Option<Layout>,
}

impl Finished {
    /// Bytes that keeping it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.images.iter().map(|image| image.png.len()).sum()
    }
}

impl State {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_) | Self::Cancelled)
    }

    /// What users call it.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Running(_) => "generating",
            Self::Done(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Job {
    pub(crate) fn new(work: Work) -> Self {
        let random = || RandomState::new().hash_one(SystemTime::now());
        Self {
            id: format!("{:016x}{:016x}", random(), random()),
            created: now(),
            state: watch::Sender::new(State::Queued { position: 0 }),
            is_unwanted: AtomicBool::new(false),
            work: Mutex::new(Some(work)),
        }
    }

    /// Hands out what is to be drawn, once.
    pub(crate) fn take_work(&self) -> Option<Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Follows it: the state as it is now, then every change that is not overtaken by another.
    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Asks the one who draws it to stop.
    pub(crate) fn unwant(&self) {
        self.is_unwanted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Ordering::Relaxed)
    }

    /// The path of its picture `index`, once it is done.
    pub(crate) fn image_path(&self, index: usize) -> String {
        format!("/v1/jobs/{}/images/{index}", self.id)
    }

    /// The job as programs read it.
    pub(crate) fn json(&self) -> Value {
        self.object(false)
    }

    /// The same, with the pictures themselves.
    pub(crate) fn json_with_pictures(&self) -> Value {
        self.object(true)
    }

    fn object(&self, with_pictures: bool) -> Value {
        let state = self.state();
        let mut object = JobObject {
            id: &self.id,
            kind: "generate",
            status: state.status(),
            created: self.created,
            poll_url: format!("/v1/jobs/{}", self.id),
            events_url: format!("/v1/jobs/{}/events", self.id),
            queue_position: None,
            started: None,
            completed: None,
            progress: None,
            result: None,
            error: None,
        };
        match &state {
            State::Queued { position } => object.queue_position = Some(*position),
            State::Running(running) => {
                object.started = Some(running.started);
                object.progress = Some(running.progress());
            }
            State::Done(finished) => {
                object.started = Some(finished.started);
                object.completed = Some(finished.completed);
                object.result = Some(self.result(finished, with_pictures));
            }
            State::Failed(problem) => object.error = Some(problem.body()),
            State::Cancelled => {}
        }
        json!(object)
    }

    fn result<'a>(&self, finished: &'a Finished, with_pictures: bool) -> JobResult<'a> {
        let image = |(index, image): (usize, &'a FinishedImage)| JobImage {
            url: self.image_path(index),
            seed: image.seed,
            withheld: image.withheld,
            layout: image.layout.as_ref(),
            b64_json: with_pictures.then(|| STANDARD.encode(&image.png)),
        };
        JobResult {
            images: finished.images.iter().enumerate().map(image).collect(),
            warnings: &finished.warnings,
            seconds: ((finished.completed - finished.started) * 1e3).round() / 1e3,
        }
    }
}

/// A job: what it is, how far it has come, and what came of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(crate) struct JobObject<'a> {
    id: &'a str,
    #[schemars(extend("const" = "generate"))]
    kind: &'static str,
    #[schemars(extend("enum" = ["queued", "generating", "completed", "failed", "cancelled"]))]
    status: &'static str,
    /// Seconds since 1970, as the other times.
    created: f64,
    poll_url: String,
    events_url: String,
    /// Jobs that come before it, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<f64>,
    /// While it is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<JobProgress>,
    /// Once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<JobResult<'a>>,
    /// Once it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemBody>,
}

/// How far a job is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JobProgress {
    /// Evaluations done.
    step: usize,
    /// Of so many.
    steps: usize,
    /// Seconds left, once they can be told.
    eta_s: Option<f64>,
}

/// What came of a job.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JobResult<'a> {
    images: Vec<JobImage<'a>>,
    warnings: &'a [String],
    /// Time that drawing took.
    seconds: f64,
}

/// A picture.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JobImage<'a> {
    url: String,
    seed: u64,
    /// Whether the safety checker keeps it back: then it is black.
    withheld: bool,
    /// What repeats it; none if it holds pictures too large for the text of a file.
    layout: Option<&'a Layout>,
    /// The PNG file, in the answer that a client waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
}

impl Running {
    pub(crate) fn progress(&self) -> JobProgress {
        JobProgress { step: self.step, steps: self.of, eta_s: self.eta_s }
    }
}

/// Seconds since 1970, to the millisecond.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}
