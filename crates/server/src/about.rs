//! What the server is, what it can do, and how it does.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gligen_pipeline::{InpaintMode, MAX_OBJECTS};
use gligen_schedulers::SchedulerKind;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::json_answer;
use crate::problem::Problem;
use crate::repainting::inpaint_mode;
use crate::{App, Limits, ModelInfo};

/// The model, in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Models")]
pub(crate) struct ModelList<'a> {
    object: &'static str,
    data: [ModelObject<'a>; 1],
}

/// A model.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Model")]
pub(crate) struct ModelObject<'a> {
    id: &'a str,
    object: &'static str,
    /// When the server began, in seconds since 1970.
    created: u64,
    owned_by: &'static str,
}

pub(crate) async fn models(State(app): State<Arc<App>>) -> Response {
    // Strict clients of OpenAI's API want all fields.
    let model = ModelObject {
        id: &app.options.model.name,
        object: "model",
        created: app.started as u64,
        owned_by: "local",
    };
    json_answer(StatusCode::OK, &ModelList { object: "list", data: [model] })
}

/// Samplers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Schedulers")]
pub(crate) struct SchedulerList {
    data: Vec<SchedulerObject>,
    /// The model's own, by name.
    default: Option<&'static str>,
}

/// A sampler.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Scheduler")]
pub(crate) struct SchedulerObject {
    /// As in a layout.
    name: &'static str,
    /// As in published configs.
    class: &'static str,
    description: &'static str,
}

pub(crate) async fn schedulers(State(app): State<Arc<App>>) -> Response {
    json_answer(StatusCode::OK, &SchedulerList { data: scheduler_list(), default: own_scheduler(&app) })
}

/// What a server can do, with which defaults and limits.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Capabilities<'a> {
    version: &'static str,
    model: &'a ModelInfo,
    defaults: RequestDefaults,
    features: Features,
    schedulers: Vec<SchedulerObject>,
    limits: ServerLimits,
}

/// What a layout that says nothing of it gets.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RequestDefaults {
    width: usize,
    height: usize,
    steps: usize,
    guidance_scale: f64,
    scheduled_sampling_beta: f64,
    scheduler: Option<&'static str>,
}

/// What the model can do.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Features {
    /// Boxes.
    objects: bool,
    /// Pictures of objects.
    object_pictures: bool,
    /// Objects of a caption that count.
    max_objects: usize,
    /// How it repaints.
    inpaint_modes: [&'static str; 1],
    /// Whether it draws only with a picture to repaint.
    needs_picture: bool,
    /// Looks at unfinished pictures.
    previews: bool,
}

/// The most that the server takes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ServerLimits {
    #[serde(flatten)]
    request: Limits,
    /// Jobs that may wait.
    queue: usize,
    /// Seconds that results are kept.
    keep_results_s: u64,
}

pub(crate) async fn capabilities(State(app): State<Arc<App>>) -> Response {
    let parts = app.pipeline.parts();
    let side = parts.denoiser.sample_size() * parts.autoencoder.downscale();
    let inpaint_mode = inpaint_mode(&app);
    let capabilities = Capabilities {
        version: env!("CARGO_PKG_VERSION"),
        model: &app.options.model,
        defaults: RequestDefaults {
            width: side,
            height: side,
            steps: parts.defaults.steps,
            guidance_scale: parts.defaults.guidance_scale,
            scheduled_sampling_beta: parts.defaults.scheduled_sampling_beta,
            scheduler: own_scheduler(&app),
        },
        features: Features {
            objects: parts.denoiser.grounding_width().is_some(),
            object_pictures: parts.denoiser.takes_pictures() && parts.image_encoder.is_some(),
            max_objects: MAX_OBJECTS,
            inpaint_modes: [inpaint_mode.name()],
            needs_picture: inpaint_mode == InpaintMode::Model,
            previews: app.has_previews,
        },
        schedulers: scheduler_list(),
        limits: ServerLimits {
            request: app.options.limits,
            queue: app.queue.capacity(),
            keep_results_s: app.options.keep_results.as_secs(),
        },
    };
    json_answer(StatusCode::OK, &capabilities)
}

fn own_scheduler(app: &App) -> Option<&'static str> {
    app.pipeline.own_scheduler().map(|kind| kind.name())
}

fn scheduler_list() -> Vec<SchedulerObject> {
    let object = |kind: &SchedulerKind| SchedulerObject {
        name: kind.name(),
        class: kind.class_name(),
        description: kind.description(),
    };
    SchedulerKind::ALL.iter().map(object).collect()
}

/// The process lives.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// A job would be taken in.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    app.queue.check_place().map(|()| "ready\n")
}

pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let (waiting, running) = app.queue.lengths();
    let text = app.queue.metrics.text(waiting, running, app.queue.capacity());
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
