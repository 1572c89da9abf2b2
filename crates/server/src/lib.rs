//! GLIGEN over HTTP: a queue, an API, and a page to draw boxes on.
//!
//! ```text
//! connections ─▶ guard ─▶ routes ─┬─ page
//!                                 ├─ POST /v1/generate ─▶ Queue ─▶ Worker (a thread of its own) ─▶ Pipeline
//!                                 └─ GET, DELETE /v1/jobs/{id} ◀── states of the job ◀──┘
//! ```
//!
//! One model, one job at a time; first come, first served. Requests are layouts as in a layout file, in which pictures
//! stand themselves, as data URLs or base64: no file that a request names is ever opened.
//!
//! ```no_run
//! use gligen_pipeline::Pipeline;
//! use gligen_server::{Options, Server, interrupted};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let device = gligen_testkit::devices().remove(0);
//! let server = Server::bind(([127, 0, 0, 1], 7788).into())?;
//! println!("http://{}", server.local_addr()?);
//! server.run(Pipeline::built_in(&device)?, Options::default(), interrupted())?;
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod a1111;
mod about;
mod answer;
mod connections;
mod data_url;
mod follow;
mod form;
mod generate;
mod guard;
mod import;
mod job;
mod jobs_api;
mod metrics;
mod openai;
mod openapi;
mod options;
mod page;
mod problem;
mod queue;
mod repainting;
mod routes;
mod server;
mod work;
mod worker;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use gligen_pipeline::Pipeline;
use tokio::sync::Semaphore;

use crate::problem::Problem;
use crate::queue::Queue;

pub use options::{Limits, ModelInfo, Options};
pub use server::{Server, interrupted};

/// What all routes share.
struct App {
    pipeline: Pipeline,
    has_previews: bool,
    options: Options,
    queue: Arc<Queue>,
    /// Whether only this machine is listened to.
    is_loopback: bool,
    /// When it began, in seconds since 1970.
    started: f64,
    /// Turns for large bodies.
    large_bodies: Semaphore,
}

fn router(app: Arc<App>) -> Router {
    let table = routes::routes().into_iter();
    table
        .fold(Router::new(), |router, route| router.route(route.path, route.handler))
        .merge(page::routes())
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes other methods")
        })
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
