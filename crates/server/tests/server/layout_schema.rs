//! The layout's JSON schema: published, and as strict as the reader is.

use gligen_pipeline::Layout;
use serde_json::{Value, json};

/// A file of the repository's `docs`.
fn docs(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn is_valid(layout: &Value) -> bool {
    let schema = jsonschema::validator_for(Layout::schema().as_value()).expect("a schema");
    schema.is_valid(layout)
}

/// Written anew where it is not what stands in `docs`: with `INSTA_UPDATE=always`, as snapshots are.
#[test]
fn the_published_one_is_this_one() {
    let path = docs("layout.schema.json");
    let text = serde_json::to_string_pretty(&Layout::schema()).unwrap() + "\n";
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == text,
        "docs/layout.schema.json is not what the types say"
    );
}

#[test]
fn layouts_that_are_read_are_valid() {
    for name in ["penguin", "rocket", "watermelon"] {
        let text = std::fs::read_to_string(docs("layouts").join(name).with_extension("json")).unwrap();
        assert!(is_valid(&serde_json::from_str(&text).unwrap()), "{name}");
        let settled = Layout::from_json(&text).unwrap().to_json();
        assert!(is_valid(&serde_json::from_str(&settled).unwrap()), "{name}, as a picture says it");
    }
    let whole = json!({
        "$schema": "https://example.org/layout.schema.json", "prompt": ["a", "b"], "negative_prompt": "c",
        "objects": [[{"phrase": "a cat", "box": [0, 0, 1, 1]}], []], "seed": -1, "scheduler": "euler",
        "loras": [{"file": "a.safetensors"}], "embeddings": [{"file": "b.pt", "token": "<b>"}],
        "inpaint_mode": "blend", "compat": "diffusers", "steps": null,
    });
    assert!(is_valid(&whole));
    Layout::from_json(&whole.to_string()).unwrap();
}

#[test]
fn layouts_that_are_refused_are_not() {
    let wrong = [
        json!({}),
        json!({"prompt": 1}),
        json!({"promt": "a cat"}),
        json!({"prompt": "a", "objects": [{"phrase": "a cat"}]}),
        json!({"prompt": "a", "objects": [{"phrase": "a cat", "box": [0, 0, 1]}]}),
        json!({"prompt": "a", "objects": [{"phrase": "a cat", "box": [0, 0, 1, 1], "colour": "red"}]}),
        json!({"prompt": "a", "scheduler": "fast"}),
        json!({"prompt": "a", "seed": 0.5}),
        json!({"prompt": "a", "loras": [{"scale": 1}]}),
        json!({"prompt": "a", "compat": "a1111"}),
    ];
    for layout in wrong {
        assert!(!is_valid(&layout), "{layout}");
        assert!(Layout::from_json(&layout.to_string()).is_err(), "{layout}");
    }
}
