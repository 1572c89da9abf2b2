//! The published schema of the layout file: as the types have it, and of one mind with the reader.

#![cfg(feature = "schema")]

use std::path::Path;

use gligen_pipeline::{Layout, LayoutError};
use jsonschema::Validator;
use serde_json::{Value, json};

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn validator() -> Validator {
    jsonschema::draft202012::new(Layout::schema().as_value()).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = repository().join("docs/layout.schema.json");
    let schema = Layout::schema().to_value();
    let published = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if published != Some(schema.clone()) {
        std::fs::write(&path, format!("{schema:#}\n")).unwrap();
        panic!("docs/layout.schema.json was not that of the types. It is now: commit it");
    }
}

#[test]
fn layouts_of_the_documentation_are_valid() {
    let validator = validator();
    let mut count = 0;
    for folder in ["docs/layouts", "docs/pictures"] {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let layout = match Layout::read(&path) {
                Err(LayoutError::NoLayoutInPicture) => continue,
                layout => layout.unwrap(),
            };
            let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let as_written = json(&layout.to_json());
            let as_it_stands = std::fs::read_to_string(&path).map_or(as_written.clone(), |text| json(&text));
            for layout in [as_it_stands, as_written] {
                assert!(validator.is_valid(&layout), "{}: {:?}", path.display(), validator.validate(&layout));
            }
            count += 1;
        }
    }
    assert!(count >= 6, "{count} layouts");
}

#[test]
fn schema_and_reader_agree() {
    let validator = validator();
    let object = |key: &str, value: Value| {
        let mut object = json!({"phrase": "a cat", "box": [0, 0.5, 1, 1]});
        object[key] = value;
        json!([object])
    };
    for (key, value, is_good) in [
        ("$schema", json!("https://example.org/layout.schema.json"), true),
        ("prompt", json!(["a cat", "a dog"]), true),
        ("prompt", json!(7), false),
        ("promt", json!("a cat"), false),
        ("negative_prompt", json!("blurry"), true),
        ("objects", json!([]), true),
        ("objects", object("phrase_mask", json!(0.5)), true),
        ("objects", json!([object("image", json!("cat.png")), []]), true),
        ("objects", object("box", json!([0, 0, 1])), false),
        ("objects", object("box", json!([0, 0, 1, "1"])), false),
        ("objects", object("bax", json!([0, 0, 1, 1])), false),
        ("objects", json!({}), false),
        ("objects", json!([{"phrase": "a cat"}]), false),
        ("inpaint_mode", json!("blend"), true),
        ("inpaint_mode", json!("magic"), false),
        ("scheduler", json!("dpmpp-2m-karras"), true),
        ("scheduler", json!("eular"), false),
        ("seed", json!(-1), true),
        ("seed", json!(u64::MAX), true),
        ("seed", json!(-2), false),
        ("seed", json!(1.5), false),
        ("steps", json!(-1), false),
        ("width", json!("wide"), false),
        ("guidance_scale", json!(7), true),
        ("guidance_scale", json!("much"), false),
        ("compat", json!("diffusers"), true),
        ("compat", json!("torch"), false),
        ("compat", json!(null), true),
        ("index", json!(3), true),
    ] {
        let mut layout = json!({"prompt": "a cat"});
        layout[key] = value;
        assert_eq!(validator.is_valid(&layout), is_good, "the schema: {layout}");
        assert_eq!(Layout::from_json(&layout.to_string()).is_ok(), is_good, "the reader: {layout}");
    }
    // What only the model's plan refuses: the schema tells it sooner.
    for layout in [
        json!({"prompt": "a cat", "width": 100}),
        json!({"prompt": "a cat", "steps": 0}),
        json!({"prompt": "a cat", "objects": object("box", json!([0, 0, 500, 500]))}),
    ] {
        assert!(!validator.is_valid(&layout), "{layout}");
    }
}

#[test]
fn the_schemas_address_is_not_kept() {
    let layout = Layout::from_json(r#"{"$schema": "docs/layout.schema.json", "prompt": "a cat"}"#).unwrap();
    assert_eq!(layout.to_json(), r#"{"prompt":"a cat"}"#);
}
