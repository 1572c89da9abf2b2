//! Errors as `application/problem+json` (RFC 9457), in the words of the command line.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gligen_pipeline::{Error, ImportError, LayoutError, RequestError, whole_message};
use gligen_schedulers::SchedulerError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::text;
use crate::work::JSON;

/// The media type of a problem.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    detail: String,
    hint: Option<String>,
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), hint: None, retry_after: None }
    }

    /// What was sent cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What was sent can be read, and asks for what cannot be.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says where it is, before what is wrong.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { detail: format!("{place}: {}", self.detail), ..self }
    }

    /// Says after how many seconds it is worth trying again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(crate) fn shutting_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down").retry_after(5)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(StatusCode::CONFLICT, "the job was cancelled")
    }

    /// What is wrong, and what to do about it, in one text.
    pub(crate) fn message(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.detail),
            None => self.detail.clone(),
        }
    }

    /// The answer to a client of another API, with a body as it reads them.
    pub(crate) fn in_other_words(&self, body: &impl Serialize) -> Response {
        self.answer(JSON, body)
    }

    fn answer(&self, content_type: &'static str, body: &impl Serialize) -> Response {
        let headers = [(header::CONTENT_TYPE, content_type)];
        let mut response = (self.status, headers, text(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> ProblemBody {
        let place = |pointer| vec![ProblemPlace { pointer, detail: self.detail.clone() }];
        ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            hint: self.hint.clone(),
            errors: pointer(&self.detail).map(place),
        }
    }
}

/// What is wrong, as RFC 9457 has it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemBody {
    /// `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What is wrong.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Where in the request it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<ProblemPlace>>,
}

/// A place in a request.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProblemPlace {
    /// A JSON pointer.
    pointer: String,
    detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.answer(PROBLEM, &self.body())
    }
}

impl From<LayoutError> for Problem {
    fn from(error: LayoutError) -> Self {
        let status = match error {
            LayoutError::Json(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self { hint: error.hint(), ..Self::new(status, whole_message(&error)) }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        let status = match error {
            ImportError::Text(_) | ImportError::Json(_) | ImportError::Png(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self { hint: error.hint(), ..Self::new(status, whole_message(&error)) }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Request(_)
            | Error::Scheduler(SchedulerError::Steps { .. } | SchedulerError::Eta { .. }) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { hint: error.hint(), ..Self::new(status, whole_message(&error)) }
    }
}

/// The JSON pointer of the place that a message opens with: `objects[2].box` is `/objects/2/box`.
fn pointer(detail: &str) -> Option<String> {
    let place = detail.strip_prefix('`').or(detail.strip_prefix("unknown key `"))?.split('`').next()?;
    let is_place = |c: char| c.is_alphanumeric() || "_.[]".contains(c);
    (!place.is_empty() && place.chars().all(is_place))
        .then(|| format!("/{}", place.replace('[', "/").replace(']', "").replace('.', "/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_as_a_json_pointer() {
        assert_eq!(pointer("`objects[2].box[1]`: -1, expected 0 to 1").unwrap(), "/objects/2/box/1");
        assert_eq!(pointer("unknown key `objects[0].frase`").unwrap(), "/objects/0/frase");
        assert_eq!(pointer("not JSON: expected `,`"), None);
        assert_eq!(pointer("`a cat`: too long"), None);
    }
}
