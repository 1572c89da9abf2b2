//! `GET /openapi.json`: the OpenAPI document, made from the table of routes and the types that they take and give.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RestrictFormats;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::a1111::DetailBody;
use crate::openai::ErrorBody;
use crate::problem::{PROBLEM, ProblemBody};
use crate::routes::{Route, routes};
use crate::work::JSON;

/// The media type of server-sent events.
const EVENTS: &str = "text/event-stream";

/// How the schema of a type is made.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An event that a stream may tell.
pub(crate) struct Event {
    name: &'static str,
    data: SchemaOf,
}

impl Event {
    /// The event `name`, whose data are a `T` as JSON.
    pub(crate) const fn of<T: JsonSchema>(name: &'static str) -> Self {
        Self { name, data: SchemaGenerator::subschema_for::<T> }
    }
}

/// What a request or an answer holds.
#[derive(Clone, Copy)]
pub(crate) struct Body {
    media_type: &'static str,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    /// What no schema describes.
    Other,
    Json(SchemaOf),
    Events(&'static [Event]),
}

impl Body {
    pub(crate) fn of<T: JsonSchema>(media_type: &'static str) -> Self {
        Self { media_type, content: Content::Json(SchemaGenerator::subschema_for::<T>) }
    }

    /// Server-sent events of these kinds.
    pub(crate) const fn events(events: &'static [Event]) -> Self {
        Self { media_type: EVENTS, content: Content::Events(events) }
    }

    /// What no schema describes.
    pub(crate) const fn other(media_type: &'static str) -> Self {
        Self { media_type, content: Content::Other }
    }

    fn content(self, generator: &mut SchemaGenerator) -> (String, Value) {
        let content = match self.content {
            Content::Other => json!({}),
            Content::Json(schema) => json!({"schema": schema(generator)}),
            Content::Events(events) => json!({"schema": event_stream(events, generator)}),
        };
        (self.media_type.into(), content)
    }
}

/// A stream as the list of its events: OpenAPI 3.1 knows no other word for it. Data are JSON in a text.
fn event_stream(events: &[Event], generator: &mut SchemaGenerator) -> Value {
    let kinds = events.iter().map(|event| {
        let data = json!({
            "type": "string",
            "contentMediaType": JSON,
            "contentSchema": (event.data)(generator),
        });
        let properties = json!({"event": {"const": event.name}, "data": data});
        json!({"type": "object", "properties": properties, "required": ["event", "data"]})
    });
    json!({"type": "array", "items": {"oneOf": kinds.collect::<Vec<_>>()}})
}

pub(crate) async fn show() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document(&routes()).to_string());
    ([(header::CONTENT_TYPE, JSON)], TEXT.as_str()).into_response()
}

/// The document that describes `routes`.
fn document(routes: &[Route]) -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.with_transform(RestrictFormats::default()).into_generator();
    let mut paths = Map::new();
    for route in routes {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method] = operation(route, &mut generator);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "gligen serve",
            "summary": "Say what goes where, get the picture.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut answers = Map::new();
    for &(status, description, body) in &route.answers {
        let answer = answers.entry(status.to_string());
        let answer = answer.or_insert_with(|| json!({"description": description, "content": {}}));
        let (media_type, content) = body.content(generator);
        answer["content"][media_type] = content;
    }
    let (tag, problem) = dialect(route.path);
    let content = Map::from_iter([problem.content(generator)]);
    let description = "What is wrong; with `Retry-After`, when to come back";
    answers.insert("default".into(), json!({"description": description, "content": content}));
    let id = format!("{} {}", route.method, route.path);
    let words = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut operation = json!({
        "operationId": words.collect::<Vec<_>>().join("_"),
        "summary": route.summary,
        "tags": [tag],
        "responses": answers,
    });
    let parameters: Vec<Value> = parameters(route).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = route.request {
        let content = Map::from_iter([body.content(generator)]);
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// Whose API an address belongs to, and how a problem is told there.
fn dialect(path: &str) -> (&'static str, Body) {
    match path {
        _ if path.starts_with("/sdapi/") => ("AUTOMATIC1111", Body::of::<DetailBody>(JSON)),
        _ if path.starts_with("/v1/images/") => ("OpenAI", Body::of::<ErrorBody>(JSON)),
        _ => ("gligen", Body::of::<ProblemBody>(PROBLEM)),
    }
}

fn parameters(route: &Route) -> impl Iterator<Item = Value> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = names.map(|name| {
        let kind = if name == "index" { "integer" } else { "string" };
        json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}})
    });
    let headers = route.headers.iter().map(|(name, description)| {
        json!({"name": name, "in": "header", "description": description, "schema": {"type": "string"}})
    });
    in_path.chain(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values under a key `$ref`.
    fn references(value: &Value) -> Vec<&str> {
        match value {
            Value::Object(map) => {
                let own = map.get("$ref").and_then(Value::as_str);
                own.into_iter().chain(map.values().flat_map(references)).collect()
            }
            Value::Array(list) => list.iter().flat_map(references).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_route_is_described_and_every_reference_leads_somewhere() {
        let routes = routes();
        let document = document(&routes);
        for route in &routes {
            let operation = &document["paths"][route.path][route.method];
            assert!(operation["summary"].is_string(), "{} {}", route.method, route.path);
            assert!(operation["responses"]["200"].is_object(), "{} {}", route.method, route.path);
        }
        let references = references(&document);
        assert!(references.contains(&"#/components/schemas/Layout"));
        for reference in references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        let mut ids: Vec<_> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| {
                path.as_object().unwrap().values().map(|operation| operation["operationId"].as_str().unwrap())
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), routes.len());
    }
}
