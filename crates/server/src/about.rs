//! What the server is, what it can do, and how it does.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gligen_pipeline::{InpaintMode, MAX_OBJECTS};
use gligen_schedulers::SchedulerKind;
use serde_json::{Value, json};

use crate::App;
use crate::answer::json_answer;
use crate::problem::Problem;

pub(crate) async fn models(State(app): State<Arc<App>>) -> Response {
    let model = json!({
        "id": app.options.model.name,
        "object": "model",
        "created": app.started as u64, // which strict clients want to read
        "owned_by": "local",
    });
    json_answer(StatusCode::OK, &json!({"object": "list", "data": [model]}))
}

pub(crate) async fn schedulers(State(app): State<Arc<App>>) -> Response {
    json_answer(StatusCode::OK, &json!({"data": scheduler_list(), "default": own_scheduler(&app)}))
}

pub(crate) async fn capabilities(State(app): State<Arc<App>>) -> Response {
    let (parts, limits, model) = (app.pipeline.parts(), &app.options.limits, &app.options.model);
    let side = parts.denoiser.sample_size() * parts.autoencoder.downscale();
    let inpaint_mode = inpaint_mode(&app);
    let capabilities = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": {"name": model.name, "things": model.things, "backgrounds": model.backgrounds},
        "defaults": {
            "width": side,
            "height": side,
            "steps": parts.defaults.steps,
            "guidance_scale": parts.defaults.guidance_scale,
            "scheduled_sampling_beta": parts.defaults.scheduled_sampling_beta,
            "scheduler": own_scheduler(&app),
        },
        "features": {
            "objects": parts.denoiser.grounding_width().is_some(),
            "object_pictures": parts.denoiser.takes_pictures() && parts.image_encoder.is_some(),
            "max_objects": MAX_OBJECTS,
            "inpaint_modes": [inpaint_mode.name()],
            "needs_picture": inpaint_mode == InpaintMode::Model,
            "previews": app.has_previews,
        },
        "schedulers": scheduler_list(),
        "limits": {
            "body_bytes": limits.body_bytes,
            "picture_pixels": limits.picture_pixels,
            "side": limits.side,
            "pixels": limits.pixels,
            "steps": limits.steps,
            "pictures": limits.pictures,
            "objects": limits.objects,
            "text": limits.text,
            "queue": app.queue.capacity(),
            "keep_results_s": app.options.keep_results.as_secs(),
        },
    });
    json_answer(StatusCode::OK, &capabilities)
}

/// How the model repaints.
pub(crate) fn inpaint_mode(app: &App) -> InpaintMode {
    let denoiser = &app.pipeline.parts().denoiser;
    match denoiser.in_channels() == denoiser.out_channels() {
        true => InpaintMode::Blend,
        false => InpaintMode::Model,
    }
}

fn own_scheduler(app: &App) -> Option<&'static str> {
    let class_name = app.pipeline.parts().scheduler.class_name.as_deref()?;
    SchedulerKind::from_class_name(class_name).map(|kind| kind.name())
}

fn scheduler_list() -> Vec<Value> {
    let json = |kind: &SchedulerKind| json!({"name": kind.name(), "class": kind.class_name(), "description": kind.description()});
    SchedulerKind::ALL.iter().map(json).collect()
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
