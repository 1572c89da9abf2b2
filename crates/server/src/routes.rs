//! All addresses in one table: what answers there, and what the OpenAPI document says of it.

use std::sync::Arc;

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use gligen_pipeline::Layout;
use schemars::JsonSchema;

use crate::about::{Capabilities, ModelList, SchedulerList};
use crate::form::FORM;
use crate::job::JobObject;
use crate::openapi::{self, Body, Event};
use crate::work::JSON;
use crate::{App, a1111, about, generate, import, jobs_api, openai};

/// One address and method.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<Arc<App>>,
    pub(crate) summary: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) request: Option<Body>,
    /// By status; one that stands here twice is given in several media types.
    pub(crate) answers: Vec<(u16, &'static str, Body)>,
}

/// The table. The page's own files are no part of it.
pub(crate) fn routes() -> Vec<Route> {
    const PREFER: &str = "`respond-async`: answer at once with a job to follow.";
    const ACCEPT: &str = "`image/png`: answer with the first picture alone.";
    const STREAM: &str = "With `stream`: server-sent events, looks and then the pictures";
    vec![
        post("/v1/generate", generate::generate, "Draws a layout; pictures in it are data URLs or base64")
            .header("Prefer", PREFER)
            .header("Accept", ACCEPT)
            .takes::<Layout>(JSON)
            .gives::<JobObject>("The job with its pictures")
            .gives_other(200, "The first picture", "image/png")
            .gives_as::<JobObject>(202, "The job, which waits for its turn"),
        post("/v1/layouts/import", import::import, "Reads the layouts in a file of another program")
            .takes::<import::Form>(FORM)
            .gives::<import::Imported>("The layouts"),
        get("/v1/jobs/{id}", jobs_api::show, "How far a job is").gives::<JobObject>("The job"),
        delete("/v1/jobs/{id}", jobs_api::cancel, "Cancels a job").gives::<JobObject>("The job"),
        get(
            "/v1/jobs/{id}/events",
            jobs_api::events,
            "Follows a job: queued, progress, preview, and how it ends",
        )
        .gives_events(
            "Server-sent events, the last of which is `done`, `failed` or `cancelled`",
            jobs_api::EVENTS,
        ),
        get("/v1/jobs/{id}/images/{index}", jobs_api::image, "A picture of a job, counted from 0")
            .gives_other(200, "The picture", "image/png"),
        get("/v1/models", about::models, "The model that is served").gives::<ModelList>("A list of one"),
        get("/v1/schedulers", about::schedulers, "The samplers that there are")
            .gives::<SchedulerList>("All of them, and the model's own"),
        get(
            "/v1/capabilities",
            about::capabilities,
            "What this server can do, with which defaults and limits",
        )
        .gives::<Capabilities>("What it can do"),
        post("/v1/images/generations", openai::generations, "Draws, as OpenAI's images API")
            .takes::<openai::Fields>(JSON)
            .gives::<openai::Images>("The pictures")
            .gives_events(STREAM, openai::GENERATION_EVENTS),
        post("/v1/images/edits", openai::edits, "Repaints a part of a picture, as OpenAI's images API")
            .takes::<openai::Edit>(FORM)
            .gives::<openai::Images>("The pictures")
            .gives_events(STREAM, openai::EDIT_EVENTS),
        post("/sdapi/v1/txt2img", a1111::txt2img, "Draws, as AUTOMATIC1111's web UI")
            .takes::<a1111::Fields>(JSON)
            .gives::<a1111::Pictures>("The pictures"),
        post("/sdapi/v1/img2img", a1111::img2img, "Repaints under a mask, as AUTOMATIC1111's web UI")
            .takes::<a1111::Fields>(JSON)
            .gives::<a1111::Pictures>("The pictures"),
        get("/sdapi/v1/progress", a1111::progress, "How far the running job is")
            .gives::<a1111::Progress>("Progress of the job that is drawn now"),
        post("/sdapi/v1/interrupt", a1111::interrupt, "Cancels the running job")
            .gives::<a1111::Nothing>("Nothing more to say"),
        get("/sdapi/v1/samplers", a1111::samplers, "The samplers by their names there")
            .gives::<Vec<a1111::Sampler>>("All of them"),
        get("/sdapi/v1/schedulers", a1111::schedulers, "Noise levels by their names there")
            .gives::<Vec<a1111::Levels>>("All of them"),
        post("/sdapi/v1/png-info", a1111::png_info, "What the texts in a PNG file say")
            .takes::<a1111::PngFile>(JSON)
            .gives::<a1111::PngTexts>("The texts, and what the one of that program says"),
        get("/sdapi/v1/sd-models", a1111::models, "The model that is served")
            .gives::<Vec<a1111::Model>>("A list of one"),
        get("/sdapi/v1/options", a1111::settings, "Settings").gives::<a1111::Settings>("All of them"),
        post("/sdapi/v1/options", a1111::settings, "Changes nothing: there is one model")
            .gives::<a1111::Settings>("All of them"),
        get("/healthz", about::healthz, "The process lives").gives_other(200, "`ok`", "text/plain"),
        get("/readyz", about::readyz, "A job would be taken in").gives_other(200, "`ready`", "text/plain"),
        get("/metrics", about::metrics, "What the server counts").gives_other(
            200,
            "OpenMetrics",
            "application/openmetrics-text",
        ),
        get("/openapi.json", openapi::show, "This document").gives_other(200, "OpenAPI 3.1", JSON),
    ]
}

fn get<T: 'static>(path: &'static str, handler: impl Handler<T, Arc<App>>, summary: &'static str) -> Route {
    Route::new("get", path, routing::get(handler), summary)
}

fn post<T: 'static>(path: &'static str, handler: impl Handler<T, Arc<App>>, summary: &'static str) -> Route {
    Route::new("post", path, routing::post(handler), summary)
}

fn delete<T: 'static>(
    path: &'static str,
    handler: impl Handler<T, Arc<App>>,
    summary: &'static str,
) -> Route {
    Route::new("delete", path, routing::delete(handler), summary)
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        handler: MethodRouter<Arc<App>>,
        summary: &'static str,
    ) -> Self {
        Self { method, path, handler, summary, headers: Vec::new(), request: None, answers: Vec::new() }
    }

    fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push((name, description));
        self
    }

    fn takes<T: JsonSchema>(self, media_type: &'static str) -> Self {
        Self { request: Some(Body::of::<T>(media_type)), ..self }
    }

    fn gives<T: JsonSchema>(self, description: &'static str) -> Self {
        self.gives_as::<T>(200, description)
    }

    fn gives_as<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        self.answers.push((status, description, Body::of::<T>(JSON)));
        self
    }

    fn gives_events(mut self, description: &'static str, events: &'static [Event]) -> Self {
        self.answers.push((200, description, Body::events(events)));
        self
    }

    /// An answer that no schema describes.
    fn gives_other(mut self, status: u16, description: &'static str, media_type: &'static str) -> Self {
        self.answers.push((status, description, Body::other(media_type)));
        self
    }
}
