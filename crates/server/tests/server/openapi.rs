//! The OpenAPI document, held against what the server really answers.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_server::Options;
use image::RgbImage;
use serde_json::{Value, json};

use crate::client::{Answer, Running, endless, layout, start};
use crate::pictures::{form, png_of};

/// The document, and which of the answers in it were seen.
struct Document {
    text: Value,
    seen: BTreeSet<String>,
}

impl Document {
    /// The schema at `pointer`, with all that it refers to.
    fn schema(&self, pointer: &str) -> jsonschema::Validator {
        let mut schema = self.text.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")).clone();
        schema["components"] = self.text["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap()
    }

    /// Fails unless `answer` is one that the document promises of `operation`: method and path.
    fn check(&mut self, operation: &str, answer: &Answer) {
        let (method, path) = operation.split_once(' ').unwrap();
        let answers = format!("/paths/{}/{method}/responses", path.replace('/', "~1"));
        let status = answer.status.to_string();
        let status =
            if self.text.pointer(&format!("{answers}/{status}")).is_some() { &status } else { "default" };
        assert!(answer.status < 400 || status == "default", "{operation}: {}", answer.text());
        let media_type = answer.header("content-type").unwrap().split(';').next().unwrap();
        let content = format!("{answers}/{status}/content/{}", media_type.replace('/', "~1"));
        assert!(self.text.pointer(&content).is_some(), "{operation}: {status} with {media_type}");
        let schema = format!("{content}/schema");
        if media_type == "text/event-stream" {
            answer.events().iter().for_each(|event| self.check_event(operation, &schema, event));
        } else if self.text.pointer(&schema).is_some() {
            let json = answer.json();
            let errors: Vec<_> = self.schema(&schema).iter_errors(&json).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{operation}: {errors:#?} in {json}");
            self.seen.insert(format!("{operation} {status}"));
        }
    }

    /// Fails unless the event is one that the schema at `pointer` promises of a stream.
    fn check_event(&mut self, operation: &str, pointer: &str, (name, data): &(String, Value)) {
        let kinds = self.text.pointer(&format!("{pointer}/items/oneOf")).unwrap().as_array().unwrap();
        let index = kinds.iter().position(|kind| kind["properties"]["event"]["const"] == json!(name));
        let index = index.unwrap_or_else(|| panic!("{operation}: event {name}"));
        let schema = self.schema(&format!("{pointer}/items/oneOf/{index}/properties/data/contentSchema"));
        let errors: Vec<_> = schema.iter_errors(data).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation}, {name}: {errors:#?} in {data}");
        self.seen.insert(format!("{operation} {name}"));
    }

    /// All answers that it describes by a schema, and all events.
    fn promised(&self) -> BTreeSet<String> {
        let mut promised = BTreeSet::new();
        for (path, operations) in self.text["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    let schemas = answer["content"].as_object().unwrap().values();
                    for schema in schemas.filter_map(|content| content.get("schema")) {
                        match schema["items"]["oneOf"].as_array() {
                            None => drop(promised.insert(format!("{method} {path} {status}"))),
                            Some(kinds) => promised.extend(kinds.iter().map(|kind| {
                                let name = &kind["properties"]["event"]["const"];
                                format!("{method} {path} {}", name.as_str().unwrap())
                            })),
                        }
                    }
                }
            }
        }
        promised
    }
}

#[test]
fn every_answer_is_as_the_document_says() {
    let mut server = start(Options { grace: Duration::ZERO, ..Options::default() });
    let mut document = Document { text: server.get("/openapi.json").json(), seen: BTreeSet::new() };
    assert_eq!(document.text["openapi"], "3.1.0");
    let promised = document.promised();
    let of_get = promised.iter().filter_map(|answer| answer.strip_prefix("get ")?.strip_suffix(" 200"));
    for path in of_get.filter(|path| !path.contains('{')) {
        document.check(&format!("get {path}"), &server.get(path));
    }

    // A job in all its states.
    let mut large = layout(1);
    large["num_images"] = json!(2);
    document.check("post /v1/generate", &server.generate(&large));
    document.check("post /v1/generate", &server.generate(&json!({"promt": "a cat"})));
    document.check("post /v1/generate", &server.ask("POST", "/v1/generate", &[], b"{"));
    let asynchronous =
        server.ask("POST", "/v1/generate", &["Prefer: respond-async"], endless().to_string().as_bytes());
    document.check("post /v1/generate", &asynchronous);
    let running = asynchronous.json()["id"].as_str().unwrap().to_string();
    let waiting = server.submit(&layout(1));
    server.wait_for(&running, "generating");
    let show = |id: &str| server.get(&format!("/v1/jobs/{id}"));
    for id in [&running, &waiting, "unknown"] {
        document.check("get /v1/jobs/{id}", &show(id));
    }
    document.check("get /sdapi/v1/progress", &server.get("/sdapi/v1/progress"));
    let cancel = |id: &str| server.ask("DELETE", &format!("/v1/jobs/{id}"), &[], b"");
    document.check("delete /v1/jobs/{id}", &cancel(&running));
    server.wait_for(&waiting, "completed");
    for id in [&running, &waiting] {
        document.check("get /v1/jobs/{id}", &show(id));
    }
    document.check("delete /v1/jobs/{id}", &cancel(&waiting));
    document.check("get /v1/jobs/{id}/images/{index}", &server.get(&format!("/v1/jobs/{waiting}/images/9")));
    document.check("get /v1/jobs/{id}/events", &server.get("/v1/jobs/unknown/events"));

    let import = |parts: &[(&str, &[u8])]| {
        let (content_type, body) = form(parts);
        server.ask("POST", "/v1/layouts/import", &[&content_type], &body)
    };
    let theirs =
        br#"{"1": {"caption": "a cat", "segment": [{"label": "a cat", "bbox": [0.1, 0.2, 0.9, 0.8]}]}}"#;
    document.check("post /v1/layouts/import", &import(&[("file", theirs)]));
    document.check("post /v1/layouts/import", &import(&[("file", b"{}")]));

    // The dialects, good and bad.
    let room = png_of(&RgbImage::new(128, 128));
    let white = png_of(&RgbImage::from_pixel(128, 128, image::Rgb([255; 3])));
    let short = json!({"prompt": "a cat", "steps": 1});
    let repaint = json!({
        "prompt": "a cat", "steps": 1, "init_images": [STANDARD.encode(&room)], "mask": STANDARD.encode(&white),
    });
    for (path, body) in [
        ("/v1/images/generations", &short),
        ("/sdapi/v1/txt2img", &short),
        ("/sdapi/v1/img2img", &repaint),
        ("/sdapi/v1/png-info", &json!({"image": STANDARD.encode(&room)})),
        ("/sdapi/v1/options", &json!({})),
        ("/sdapi/v1/interrupt", &json!({})),
    ] {
        let answer = server.post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        document.check(&format!("post {path}"), &answer);
        document.check(
            &format!("post {path}"),
            &server.post(path, &json!({"prompt": "a cat", "size": 1, "width": "x"})),
        );
    }
    let objects = layout(1)["objects"].to_string();
    let parts =
        [("image", room.as_slice()), ("prompt", b"a cat"), ("steps", b"1"), ("objects", objects.as_bytes())];
    let edit = |parts: &[(&str, &[u8])]| {
        let (content_type, body) = form(parts);
        server.ask("POST", "/v1/images/edits", &[&content_type], &body)
    };
    document.check("post /v1/images/edits", &edit(&parts));
    document.check("post /v1/images/edits", &edit(&parts[1..]));

    // Events of jobs that come to each of their ends; those that wait fail when the server stops.
    let job_events = "get /v1/jobs/{id}/events";
    let events = |server: &Running, id: &str| server.send("GET", &format!("/v1/jobs/{id}/events"), &[], b"");
    let running = server.submit(&endless());
    let drawn = server.submit(&layout(12));
    let streams = [events(&server, &running), events(&server, &drawn)];
    server.wait_for(&running, "generating");
    cancel(&running);
    for stream in streams {
        document.check(job_events, &Answer::read(stream));
    }
    let looks = json!({"prompt": "a cat", "steps": 12, "stream": true, "partial_images": 2});
    let generate = |server: &Running| {
        let headers = ["Content-Type: application/json"];
        server.send("POST", "/v1/images/generations", &headers, looks.to_string().as_bytes())
    };
    let streamed: [(&str, &[u8]); 6] = [
        ("image", &room),
        ("prompt", b"a cat"),
        ("objects", objects.as_bytes()),
        ("steps", b"12"),
        ("stream", b"true"),
        ("partial_images", b"2"),
    ];
    let (content_type, body) = form(&streamed);
    let edit = |server: &Running| server.send("POST", "/v1/images/edits", &[&content_type], &body);
    document.check("post /v1/images/generations", &Answer::read(generate(&server)));
    document.check("post /v1/images/edits", &Answer::read(edit(&server)));
    let running = server.submit(&endless());
    server.wait_for(&running, "generating");
    let waiting = server.submit(&layout(1));
    let streams = [
        (job_events, events(&server, &waiting)),
        ("post /v1/images/generations", generate(&server)),
        ("post /v1/images/edits", edit(&server)),
    ];
    while server.metric("gligen_jobs_waiting") < 3.0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    server.stop();
    for (operation, stream) in streams {
        document.check(operation, &Answer::read(stream));
    }

    // What stands there for requests that never fail is not seen.
    let unseen = promised.difference(&document.seen).filter(|answer| !answer.ends_with("default"));
    assert_eq!(unseen.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn requests_are_as_the_document_says() {
    let server = start(Options::default());
    let document = Document { text: server.get("/openapi.json").json(), seen: BTreeSet::new() };
    let schema = document.schema("/components/schemas/Layout");
    assert!(schema.is_valid(&layout(2)));
    assert!(!schema.is_valid(&json!({"promt": "a cat"})));
    let parts = &document.text["components"]["schemas"]["OpenAiEdit"]["properties"];
    assert_eq!(parts["image"]["contentMediaType"], "application/octet-stream");
    assert_eq!(parts["n"]["minimum"], 0);
    let import = document.schema("/components/schemas/Import");
    assert!(import.is_valid(&json!({"file": "…", "format": "coco"})));
    assert!(!import.is_valid(&json!({"file": "…", "format": "word"})));
}
