//! The layout file: what is read, what is written, what is refused and in which words.

use std::path::Path;

use gligen_pipeline::{Compat, InpaintMode, Layout, LayoutObject, Picture, Request};
use gligen_testkit::fixtures;
use proptest::prelude::*;

const FULL: &str = concat!(
    r#"{"prompt":["a cat","a dog"],"negative_prompt":"blurry","objects":[{"phrase":"a cat","box":[0.05,0.3,0.5,0.9],"#,
    r#""phrase_mask":0.5},{"image":"cat.png","box":[0.0,0.0,1.0,1.0],"image_mask":0.25}],"#,
    r#""loras":[{"file":"style.safetensors","scale":0.8}],"embeddings":[{"file":"cat.pt","token":"<cat>"}],"#,
    r#""inpaint_image":"room.png","#,
    r#""inpaint_mask":"room.png","inpaint_mode":"blend","inpaint_restore":false,"#,
    r#""width":512,"height":256,"steps":50,"guidance_scale":7.5,"scheduled_sampling_beta":0.3,"scheduler":"pndm","#,
    r#""seed":18446744073709551615,"num_images":2,"eta":0.7,"clip_skip":1,"compat":"diffusers","index":3}"#,
);

/// The request of a layout that names no pictures.
fn request(layout: Layout) -> Request {
    layout.into_request(Path::new("")).unwrap()
}

#[test]
fn a_layout_read_and_written_again_has_the_same_bytes() {
    let lists = r#"{"prompt":["a","b"],"objects":[[{"phrase":"a cat","box":[0.0,0.0,1.0,1.0]}],[]]}"#;
    for text in [FULL, lists, r#"{"prompt":"a cat"}"#] {
        assert_eq!(Layout::from_json(text).unwrap().to_json(), text);
    }
}

#[test]
fn every_value_reaches_the_request() {
    let request = Layout::from_json(FULL).unwrap().into_request(&fixtures().join("pictures")).unwrap();
    assert_eq!(request.prompts, ["a cat", "a dog"]);
    assert_eq!(request.negative_prompts, ["blurry"]);
    let objects = &request.objects[0];
    assert_eq!(objects[0].rect, [0.05, 0.3, 0.5, 0.9]);
    assert_eq!((objects[0].phrase_mask, objects[0].image_mask), (0.5, 1.0));
    assert_eq!((objects[1].phrase_mask, objects[1].image_mask), (1.0, 0.25));
    assert_eq!(objects[1].phrase, None);
    let size = |picture: &Picture| (picture.width(), picture.height());
    assert_eq!((objects[0].image.as_ref(), objects[1].image.as_ref().map(size)), (None, Some((133, 150))));
    let inpaint = request.inpaint.unwrap();
    assert_eq!((size(&inpaint.image), inpaint.mask.as_ref().map(size)), ((277, 211), Some((277, 211))));
    assert_eq!((inpaint.mode, inpaint.restore), (InpaintMode::Blend, false));
    assert_eq!((request.width, request.height), (Some(512), Some(256)));
    assert_eq!((request.steps, request.num_images), (Some(50), Some(2)));
    assert_eq!((request.guidance_scale, request.scheduled_sampling_beta), (Some(7.5), Some(0.3)));
    assert_eq!(request.scheduler.unwrap().name(), "pndm");
    assert_eq!((request.seed, request.eta, request.clip_skip), (u64::MAX, 0.7, 1));
    assert_eq!(request.compat, Compat::Diffusers);
}

#[test]
fn a_seed_of_minus_one_is_another_one_each_time() {
    let seeds: Vec<u64> = (0..3)
        .map(|_| request(Layout::from_json(r#"{"prompt": "a cat", "seed": -1}"#).unwrap()).seed)
        .collect();
    assert!(seeds.iter().all(|&seed| seed <= u64::from(u32::MAX)), "{seeds:?}");
    assert!(seeds[0] != seeds[1] || seeds[1] != seeds[2], "{seeds:?}");
}

#[test]
fn a_wrong_layout_is_refused_by_name_and_place() {
    let cases = [
        "",
        "[1]",
        "{\"prompt\": \"a cat\",}",
        r#"{"objects": []}"#,
        r#"{"promt": "a cat"}"#,
        r#"{"prompt": "a cat", "qqq": 1}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "bbox": [0, 0, 1, 1]}]}"#,
        r#"{"prompt": "a cat", "objects": {"phrase": "a cat"}}"#,
        r#"{"prompt": "a cat", "objects": ["a cat"]}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0, "0", 1, 1]}]}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0, 0, 1]}]}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0, 0, 1, NaN]}]}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat"}]}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "image": 7, "box": [0, 0, 1, 1]}]}"#,
        r#"{"prompt": "a cat", "objects": [[{"phrase": "a cat", "box": [0, 0, "1", 1]}]]}"#,
        r#"{"prompt": "a cat", "objects": [[{"phrase": "a cat", "bax": [0, 0, 1, 1]}]]}"#,
        r#"{"prompt": "a cat", "objects": [[], {"phrase": "a cat", "box": [0, 0, 1, 1]}]}"#,
        r#"{"prompt": "a cat", "inpaint_mode": "magic"}"#,
        r#"{"prompt": 7}"#,
        r#"{"prompt": "a cat", "prompt": "a dog"}"#,
        r#"{"prompt": "a cat", "steps": -1}"#,
        r#"{"prompt": "a cat", "seed": -2}"#,
        r#"{"prompt": "a cat", "seed": 1.5}"#,
        r#"{"prompt": "a cat", "scheduler": "eular"}"#,
        r#"{"prompt": "a cat", "compat": "torch"}"#,
    ];
    let mut report = String::new();
    for text in cases {
        let error = Layout::from_json(text).unwrap_err();
        let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        report += &format!("{text}\n  error: {error}{hint}\n\n");
    }
    insta::assert_snapshot!(report);
}

#[test]
fn pictures_that_cannot_be_read_are_named_with_their_place() {
    let cases = [
        r#"{"prompt": "a cat", "objects": [{"image": "nowhere.png", "box": [0, 0, 1, 1]}]}"#,
        r#"{"prompt": ["a", "b"], "objects": [[], [{"image": "../runs.json", "box": [0, 0, 1, 1]}]]}"#,
        r#"{"prompt": "a cat", "inpaint_image": ".", "inpaint_mask": "cat.png"}"#,
        r#"{"prompt": "a cat", "inpaint_mask": "cat.png"}"#,
        r#"{"prompt": "a cat", "inpaint_mode": "blend"}"#,
    ];
    let folder = fixtures().join("pictures");
    let errors =
        cases.map(|text| Layout::from_json(text).unwrap().into_request(&folder).unwrap_err().to_string());
    let report = errors.join("\n").replace(&folder.display().to_string(), "FOLDER");
    insta::assert_snapshot!(report);
}

#[test]
fn bytes_that_are_neither_json_nor_png_are_refused() {
    assert!(Layout::from_bytes(b"\x89PNG\r\n\x1a\nxxxx").is_err());
    assert!(Layout::from_bytes(b"\xff\xd8\xff").unwrap_err().to_string().contains("neither a PNG file"));
}

fn layouts() -> impl Strategy<Value = Layout> {
    let object = ("\\PC*", prop::array::uniform4(0.0..=1.0f64)).prop_map(|(phrase, rect)| LayoutObject {
        phrase: Some(phrase),
        rect,
        ..LayoutObject::default()
    });
    (
        prop::collection::vec("\\PC*", 1..3),
        prop::collection::vec(prop::collection::vec(object, 0..3), 0..3),
        prop::option::of(any::<u64>()),
        prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO),
        prop::option::of(any::<u32>()),
    )
        .prop_map(|(prompt, objects, seed, guidance_scale, width)| Layout {
            prompt,
            objects,
            seed,
            guidance_scale,
            width: width.map(|width| width as usize),
            ..Layout::default()
        })
}

proptest! {
    #[test]
    fn writing_is_stable_and_repeats_the_request(layout in layouts()) {
        let text = layout.to_json();
        let again = Layout::from_json(&text).unwrap();
        prop_assert_eq!(again.to_json(), text);
        let (first, second) = (request(layout), request(again));
        // Lists without objects need not be written.
        let empty = first.objects.iter().all(Vec::is_empty);
        prop_assert!(first.objects == second.objects || (empty && second.objects.is_empty()));
        prop_assert_eq!(first.guidance_scale, second.guidance_scale);
        prop_assert_eq!(first.prompts, second.prompts);
    }

    #[test]
    fn mangled_layouts_never_panic(text in "\\PC*", index in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = Layout::from_json(&text);
        let mut bytes = FULL.as_bytes().to_vec();
        let index = index.index(bytes.len());
        bytes[index] = byte;
        let _ = Layout::from_bytes(&bytes);
        let _ = Layout::from_bytes(&bytes[..index]);
    }
}
