//! Answers in JSON.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::work::JSON;

/// `body`, which nobody shall store: it is a matter of the moment.
pub(crate) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text(body)).into_response()
}

/// `body` as JSON: texts, numbers, lists and tables of them, which JSON can always say.
pub(crate) fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}
