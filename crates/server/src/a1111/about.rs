//! The model and the settings: there is one, and they cannot be changed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;
use crate::answer::json_answer;

/// A model, with what its clients want to know of its file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Model")]
pub(crate) struct Model<'a> {
    title: &'a str,
    model_name: &'a str,
    hash: Option<String>,
    sha256: Option<String>,
    filename: &'a str,
    config: Option<String>,
}

pub(crate) async fn models(State(app): State<Arc<App>>) -> Response {
    let name = app.options.model.name.as_str();
    let model =
        Model { title: name, model_name: name, hash: None, sha256: None, filename: name, config: None };
    json_answer(StatusCode::OK, &[model])
}

/// Settings, of which there is one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Settings")]
pub(crate) struct Settings<'a> {
    /// The name of the model.
    sd_model_checkpoint: &'a str,
}

/// Both to read them and to change them.
pub(crate) async fn settings(State(app): State<Arc<App>>) -> Response {
    json_answer(StatusCode::OK, &Settings { sd_model_checkpoint: &app.options.model.name })
}
