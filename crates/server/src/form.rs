//! Bodies of `multipart/form-data`, part by part. What a part says of its file's name means nothing here.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use tokio::runtime::Handle;

use crate::problem::Problem;

/// The media type of forms.
pub(crate) const FORM: &str = "multipart/form-data";

/// The most parts that a form may have.
const MAX_PARTS: usize = 32;

/// The most bytes that the name of a part may have.
const MAX_NAME: usize = 64;

/// One field of a form.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

impl Part {
    /// Its bytes as a text.
    pub(crate) fn text(&self) -> Result<String, Problem> {
        let text = std::str::from_utf8(&self.bytes);
        text.map(str::to_owned).map_err(|error| Problem::malformed(format!("`{}`: {error}", self.name)))
    }
}

/// What is wrong with a form that has two parts of this name.
pub(crate) fn given_twice(name: &str) -> Problem {
    Problem::malformed(format!("`{name}`: given twice, expected once"))
}

/// The parts of `body`, the form that `headers` belong to. Not to be called where connections wait for it.
pub(crate) fn parts(headers: &HeaderMap, body: Bytes) -> Result<Vec<Part>, Problem> {
    // All of it is here already, and its size was checked.
    let mut request = Request::new(Body::from(body));
    DefaultBodyLimit::disable().apply(&mut request);
    if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    }
    Handle::current().block_on(async {
        let mut form = Multipart::from_request(request, &()).await.map_err(|error| bad(error.body_text()))?;
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await.map_err(|error| bad(error.body_text()))? {
            if parts.len() == MAX_PARTS {
                return Err(bad(format!("more than {MAX_PARTS} parts")));
            }
            let name = field.name().unwrap_or_default().to_string();
            if !(1..=MAX_NAME).contains(&name.len()) {
                return Err(bad(format!(
                    "a part whose name has {} bytes, expected 1 to {MAX_NAME}",
                    name.len()
                )));
            }
            let bytes = field.bytes().await.map_err(|error| bad(error.body_text()))?;
            parts.push(Part { name, bytes });
        }
        Ok(parts)
    })
}

fn bad(detail: impl std::fmt::Display) -> Problem {
    Problem::malformed(format!("not a form: {detail}"))
}
