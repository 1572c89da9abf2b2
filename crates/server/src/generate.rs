//! `POST /v1/generate`: a layout in, its pictures out, at once or later.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gligen_pipeline::Layout;

use crate::App;
use crate::answer::json_answer;
use crate::job::{Finished, Job};
use crate::problem::Problem;
use crate::work::{JSON, submit, utf8, wait};

pub(crate) async fn generate(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let read = |bytes: Bytes| Ok((Layout::from_json(utf8(&bytes)?)?, ()));
    let (job, ()) = submit(&app, &headers, body, JSON, read).await?;
    if wants_async(&headers) {
        let location = [(header::LOCATION, format!("/v1/jobs/{}", job.id))];
        return Ok((location, json_answer(StatusCode::ACCEPTED, &job.json())).into_response());
    }
    let finished = wait(&app, &job).await?;
    Ok(answer(&headers, &job, &finished))
}

fn wants_async(headers: &HeaderMap) -> bool {
    let mut wishes = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    wishes.any(|wish| wish.split([',', ';']).any(|word| word.trim().eq_ignore_ascii_case("respond-async")))
}

/// The first picture itself for who wants nothing but a picture, all of them in JSON otherwise.
fn answer(headers: &HeaderMap, job: &Job, finished: &Finished) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.starts_with("image/png")
        && let Some(image) = finished.images.first()
    {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
            (HeaderName::from_static("gligen-seed"), HeaderValue::from(image.seed)),
        ];
        return (headers, image.png.clone()).into_response();
    }
    json_answer(StatusCode::OK, &job.json_with_pictures())
}
