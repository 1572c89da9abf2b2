//! Layouts of other programs, handed in as files.

use gligen_pipeline::{LAYOUT_KEYWORD, write_png};
use gligen_server::Options;
use gligen_testkit::fixtures;
use serde_json::{Value, json};

use crate::client::{Answer, Running, layout, start};
use crate::pictures::form;

fn import(server: &Running, parts: &[(&str, &[u8])]) -> Answer {
    let (content_type, body) = form(parts);
    server.ask("POST", "/v1/layouts/import", &[&content_type], &body)
}

fn layouts(server: &Running, parts: &[(&str, &[u8])]) -> Vec<Value> {
    let answer = import(server, parts);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["layouts"].as_array().unwrap().clone()
}

fn foreign(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("foreign_layouts").join(name)).unwrap()
}

#[test]
fn other_programs_layouts_become_ours() {
    let server = start(Options::default());
    let read = layouts(&server, &[("file", &foreign("mig.json"))]);
    assert_eq!([&read[0]["id"], &read[1]["id"]], ["139", "785"]);
    assert_eq!(read[1]["layout"]["objects"][0]["box"], json!([0.25, 0.7, 0.8, 0.9]));
    assert_eq!(read[1]["notes"], json!([]));

    // One that has to be named, with phrases that stand elsewhere.
    let mapping = foreign("forge-couple_mapping.json");
    let phrases = b"a cat\na dog";
    let read = layouts(&server, &[("file", &mapping), ("format", b"forge-couple"), ("prompt", phrases)]);
    assert_eq!(read[0]["layout"]["objects"][1]["phrase"], "a dog");

    // What comes back can be drawn.
    let mut layout = layouts(&server, &[("file", &foreign("labelme.json"))]).remove(0)["layout"].take();
    layout["steps"] = json!(1);
    let answer = server.generate(&layout);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn layouts_of_ours_come_back_as_they_are() {
    let server = start(Options::default());
    let one = layout(2).to_string();
    let picture = server.ask("POST", "/v1/generate", &["Accept: image/png"], one.as_bytes()).body;
    let (marked, lines) = (format!("\u{feff}{one}"), format!("\u{feff}{one}\n\n{one}\n"));
    for file in [one.as_bytes(), &picture, marked.as_bytes(), lines.as_bytes()] {
        let read = layouts(&server, &[("file", file)]);
        assert_eq!(read.last().unwrap()["layout"]["objects"], layout(2)["objects"]);
    }
    assert_eq!(layouts(&server, &[("file", lines.as_bytes())]).len(), 2);
}

#[test]
fn mistakes_in_layouts_of_ours_are_told_with_their_place() {
    let server = start(Options::default());
    let misspelt = r#"{"prompt": "a", "sede": 7}"#;
    let mut picture = Vec::new();
    let texts = [(LAYOUT_KEYWORD, misspelt.to_string())];
    write_png(&mut picture, &image::RgbImage::new(8, 8), &texts).unwrap();
    let lines = format!("{{\"prompt\": \"a\"}}\n\n{misspelt}\n");
    let three_numbers = br#"{"prompt": "a", "objects": [{"phrase": "a", "box": [0, 0, 1]}]}"#;
    for (file, words) in [
        (misspelt.as_bytes(), "unknown key `sede`"),
        (format!("\u{feff}{misspelt}").as_bytes(), "unknown key `sede`"),
        (&picture, "unknown key `sede`"),
        (lines.as_bytes(), "line 3: unknown key `sede`"),
        (three_numbers, "`objects[0].box"),
    ] {
        let answer = import(&server, &[("file", file)]);
        let problem = answer.json();
        assert_eq!(answer.status, 422, "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(words), "{problem}");
    }
    let hint = import(&server, &[("file", misspelt.as_bytes())]).json()["hint"].take();
    assert_eq!(hint, "did you mean `seed`?");
}

#[test]
fn what_cannot_be_imported_is_told() {
    let server = start(Options::default());
    let good = foreign("mig.json");
    let outside =
        br#"{"1": {"caption": "a cat", "segment": [{"label": "a cat", "bbox": [3, 0.2, 4, 0.8]}]}}"#;
    let named_over_and_over = format!(
        r#"{{"images": [{{"id": 7, "width": 9, "height": 9}}], "categories": [{{"id": 1, "name": "{}"}}],
            "annotations": [{}]}}"#,
        "a".repeat(100_000),
        [r#"{"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9]}"#; 100].join(", "),
    );
    for (parts, status, words) in [
        (&[("file", b"{".as_slice())][..], 400, "not JSON"),
        (&[("file", b"\xff\xfe")], 400, "neither a PNG file nor UTF-8 text"),
        (&[("file", b"\x89PNG")], 400, ""),
        (&[("file", b"{}")], 422, "its keys are those of no format"),
        (&[("file", outside)], 422, "`1.segment[0].bbox`: this box lies outside the picture"),
        (&[("file", named_over_and_over.as_bytes())], 422, "at most 1000 characters, found 100000"),
        (&[("file", &good), ("format", b"word")], 422, "`format`: found `word`"),
        (&[("file", &good), ("format", b"coco")], 422, "`"),
        (&[("file", &good), ("file", &good)], 400, "`file`: given twice"),
        (&[("file", &good), ("prompt", b"\xff")], 400, "`prompt`: invalid utf-8"),
        (&[("file", &good), ("fromat", b"mig")], 400, "unknown part `fromat`"),
        (&[("format", b"mig")], 400, "`file`: missing"),
    ] {
        let answer = import(&server, parts);
        let problem = answer.json();
        assert_eq!(answer.status, status, "{problem}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        assert!(!answer.text().contains("--"), "flags of the command line in {problem}");
    }
    let json = server.post("/v1/layouts/import", &json!({}));
    assert_eq!(json.status, 415);
    let hint = import(&server, &[("file", b"{}")]).json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("comfyui"), "{hint}");
}
