//! Layouts of other programs: what they become, what is refused and in which words.

use std::fmt::Write;

use gligen_pipeline::{ForeignFormat, ImportOptions, Imported, LAYOUT_KEYWORD, Layout, write_png};
use gligen_testkit::fixtures;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Files in `fixtures/foreign_layouts`, each named after its format.
const FILES: [&str; 17] = [
    "gligen.json",
    "diffusers.json",
    "comfyui.json",
    "gligen-gui.json",
    "ideogram.json",
    "lmd.txt",
    "lmd_cache.json",
    "lmd_specification.json",
    "nsr1k.json",
    "layoutbench.json",
    "mig.json",
    "instancediffusion.json",
    "coco.json",
    "labelme.json",
    "labelstudio.json",
    "labelstudio_min.json",
    "forge-couple.json",
];

/// The one file whose keys do not tell what it is.
const MAPPING: &str = "forge-couple_mapping.json";

fn file(name: &str) -> String {
    std::fs::read_to_string(fixtures().join("foreign_layouts").join(name)).unwrap()
}

fn format_of(name: &str) -> ForeignFormat {
    let name = name.split(['.', '_']).next().unwrap();
    ForeignFormat::from_name(name).unwrap()
}

/// Layouts as the program prints them, with what was put right.
fn told(all: &[Imported]) -> String {
    let mut text = String::new();
    for Imported { id, layout, notes, .. } in all {
        let _ = writeln!(text, "{id}: {}", layout.to_json());
        for note in notes {
            let _ = writeln!(text, "  {note}");
        }
    }
    text
}

fn refusal(bytes: &[u8], options: &ImportOptions) -> String {
    let error = Layout::import(bytes, options).unwrap_err();
    let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    format!("  error: {error}{hint}\n\n")
}

fn as_format(name: &str) -> ImportOptions<'static> {
    ImportOptions { format: Some(format_of(name)), prompt: None }
}

#[test]
fn every_format_is_found_by_its_keys_alone_and_read() {
    for name in FILES {
        let text = file(name);
        assert_eq!(ForeignFormat::of(&text).unwrap().name(), format_of(name).name(), "{name}");
        let all = Layout::import(text.as_bytes(), &ImportOptions::default()).unwrap();
        insta::assert_snapshot!(name, told(&all));
    }
    for format in ForeignFormat::ALL {
        assert!(FILES.iter().any(|name| format_of(name).name() == format.name()), "{format:?} has no file");
    }
}

#[test]
fn a_mapping_alone_has_its_phrases_from_the_prompt() {
    let options = ImportOptions { prompt: Some("a cat\na dog"), ..as_format("forge-couple") };
    let all = Layout::import(file(MAPPING).as_bytes(), &options).unwrap();
    insta::assert_snapshot!(MAPPING, told(&all));
    let presets = format!(r#"{{"two": {}}}"#, file(MAPPING));
    let named = Layout::import(presets.as_bytes(), &options).unwrap();
    assert_eq!((named[0].id.as_str(), &named[0].layout), ("two", &all[0].layout));
}

#[test]
fn a_caption_that_is_missing_is_given_or_made_of_the_phrases() {
    let caption = |prompt| {
        let options = ImportOptions { prompt, ..ImportOptions::default() };
        let all = Layout::import(file("coco.json").as_bytes(), &options).unwrap();
        all.into_iter().map(|one| one.layout.prompt.concat()).collect::<Vec<_>>()
    };
    assert_eq!(caption(None), ["a brown bear sits in the grass", "bed, potted plant"]);
    assert_eq!(caption(Some("a room")), ["a brown bear sits in the grass", "a room"]);
}

#[test]
fn a_picture_of_comfyui_holds_its_workflow() {
    let png = |texts: &[(&str, String)]| {
        let mut bytes = Vec::new();
        write_png(&mut bytes, &image::RgbImage::new(8, 8), texts).unwrap();
        bytes
    };
    let options = ImportOptions::default();
    let workflow = file("comfyui.json");
    let bare = Layout::import(workflow.as_bytes(), &options).unwrap();
    let request = format!(r#"{{"client_id": "a", "prompt": {workflow}}}"#);
    assert_eq!(Layout::import(request.as_bytes(), &options).unwrap(), bare);
    let texts = [("workflow", "{}".into()), ("prompt", workflow)];
    assert_eq!(Layout::import(&png(&texts), &options).unwrap(), bare);

    let ours = refusal(&png(&[(LAYOUT_KEYWORD, r#"{"prompt": "a cat"}"#.into())]), &options);
    let nothing = refusal(&png(&[]), &options);
    insta::assert_snapshot!("pictures", format!("{ours}{nothing}"));
}

#[test]
fn what_has_the_keys_of_no_format_or_of_several_is_refused() {
    let cases = [
        "",
        "a cat",
        r#"{"boxes": [[0, 0, 1, 1]]}"#,
        r#"{"annos": [], "segment": []}"#,
        r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0, 0, 1, 1]}]}"#,
        "{\"prompt\": \"a cat\"}\n\n{\"prompt\": \"a dog\"}\n",
        r#"[{"caption": "a cat", "annos": []}"#,
    ];
    let mut report = String::new();
    for text in cases {
        report += &format!("{text}\n{}", refusal(text.as_bytes(), &ImportOptions::default()));
    }
    report += &refusal(b"\xff\xd8\xff", &ImportOptions::default());
    insta::assert_snapshot!(report);
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let cases = [
        ("gligen", r#"{"prompt": "a", "phrases": ["a"], "locations": [[0, 0, 1, 1], [0, 0, 1]]}"#),
        ("gligen", r#"{"prompt": "a", "phrases": ["a"], "locations": [[0, 0, 1, 1], [0, 0, 1, 1]]}"#),
        ("diffusers", r#"{"prompt": "a", "gligen_boxes": [[10, 20, 300, 400]], "gligen_phrases": ["a"]}"#),
        ("diffusers", r#"{"prompt": 7, "gligen_boxes": []}"#),
        ("comfyui", r#"{"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0]}}}"#),
        ("comfyui", r#"{"last_node_id": 9, "nodes": [], "links": []}"#),
        (
            "comfyui",
            r#"{"1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "latent_image": ["3", 0]}},
                "2": {"class_type": "GLIGENTextBoxApply", "inputs": {"text": "a", "x": 0, "y": "0", "width": 8, "height": 8}},
                "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}}}"#,
        ),
        ("gligen-gui", r#"{"mapProps": {"boxMap": [[1, {"x1": 0, "y1": 0, "x2": 9}]]}}"#),
        ("gligen-gui", r#"{"stringProps": {"canvasWidth": "wide"}, "mapProps": {"boxMap": []}}"#),
        ("gligen-gui", r#"{"stringProps": {"canvasWidth": "0"}, "mapProps": {"boxMap": []}}"#),
        (
            "ideogram",
            r#"{"compositional_deconstruction": {"elements": [{"desc": "a"}, {"desc": "b", "bbox": [0, 0, 10]}]}}"#,
        ),
        (
            "ideogram",
            r#"{"compositional_deconstruction": {"elements": [{"desc": "a", "bbox": [1100, 0, 1500, 9]}]}}"#,
        ),
        ("lmd", "Objects: [('a cat', [0, 0, 9])]\nBackground prompt: a room"),
        ("lmd", "Objects: [('a cat', [0, 0, 9, 9]\nBackground prompt: a room"),
        ("lmd", "Objects: [('a cat', [0, 0, 9, 9])]"),
        ("lmd", r#"{"bg_prompt": "a room", "gen_boxes": [["a cat", [0, 0, 9, 9]], ["a dog"]]}"#),
        ("nsr1k", r#"[{"prompt": "a", "obj1": ["a", [0, 0, 1, 1]], "obj2": ["b", [0, 0, null, 1]]}]"#),
        ("layoutbench", r#"[{"caption": "a", "box_captions": [], "boxes_normalized": [[0, 0, 1, 1]]}]"#),
        ("mig", r#"{"139": {"caption": "a", "segment": [{"label": "a"}]}}"#),
        ("instancediffusion", r#"{"caption": "a", "width": 512, "height": 0, "annos": []}"#),
        ("instancediffusion", r#"{"caption": "a", "width": 8, "height": 8, "annos": [{"bbox": "0 0 8 8"}]}"#),
        (
            "coco",
            r#"{"images": [], "annotations": [{"image_id": 7, "bbox": [0, 0, 9, 9]}], "categories": []}"#,
        ),
        (
            "coco",
            r#"{"images": [{"id": 7, "width": 9, "height": 9}], "categories": [{"id": 1, "name": "cat"}],
                "annotations": [{"image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9]}]}"#,
        ),
        ("labelme", r#"{"imageWidth": 9, "imageHeight": 9, "shapes": [{"label": "a", "points": []}]}"#),
        ("labelme", r#"{"shapes": []}"#),
        (
            "labelstudio",
            r#"[{"annotations": [{"result": [{"value": {"x": 0, "y": 0, "width": 9, "height": 9, "rotation": 30,
                "rectanglelabels": ["a"]}}]}]}]"#,
        ),
        ("labelstudio", r#"[{"annotations": [{"result": [{"value": {"x": 0, "y": "0"}}]}]}]"#),
        ("forge-couple", r#"[[0, 1, 0, 1, 1]]"#),
        (
            "forge-couple",
            r#"{"prompt": "a", "alwayson_scripts": {"forge couple": {"args": [true, "Basic"]}}}"#,
        ),
        (
            "forge-couple",
            r#"{"prompt": "a", "alwayson_scripts": {"forge_couple": {"args": [true, "Advanced", "", []]}}}"#,
        ),
        (
            "forge-couple",
            r#"{"prompt": "a", "alwayson_scripts": {"forge_couple": {"args": ["Advanced", [["0-1", "0:1"]]]}}}"#,
        ),
        ("coco", r#"{"images": [{"id": 7, "width": 9, "height": 9}], "annotations": []}"#),
        ("mig", r#"{"139": "#),
    ];
    let mut report = String::new();
    for (name, text) in cases {
        report += &format!("{name}: {text}\n{}", refusal(text.as_bytes(), &as_format(name)));
    }
    insta::assert_snapshot!(report);
    for format in ForeignFormat::ALL {
        assert!(cases.iter().any(|(name, _)| *name == format.name()), "nothing is refused as {format:?}");
    }
}

#[test]
fn a_file_cannot_have_a_long_text_copied_into_many_things() {
    let long = "a".repeat(1001);
    let box_node =
        format!(r#"{{"class_type": "GLIGENTextBoxApply", "inputs": {{"conditioning_to": ["{long}", 0]}}}}"#);
    let mapping = ImportOptions { prompt: Some(&long), ..as_format("forge-couple") };
    let caption = ImportOptions { prompt: Some(&long), ..as_format("coco") };
    let cases = [
        (
            as_format("coco"),
            r#"{"images": [{"id": 7, "width": 9, "height": 9}], "categories": [{"id": 1, "name": "LONG"}],
                "annotations": [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9]}]}"#,
        ),
        (as_format("mig"), r#"{"LONG": {"caption": "a", "segment": []}}"#),
        (as_format("lmd"), r#"{"LONG": ["Objects: []\nBackground prompt: a room"]}"#),
        (
            as_format("comfyui"),
            r#"{"1": {"class_type": "KSampler", "inputs": {"positive": ["LONG", 0], "latent_image": ["3", 0]}},
                "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}}, "LONG": BOX}"#,
        ),
        (mapping, "[[0, 1, 0, 1, 1]]"),
        (caption, &file("coco.json")),
    ];
    let mut report = String::new();
    for (options, text) in cases {
        let text = text.replace("BOX", &box_node).replace("LONG", &long);
        report += &format!("{}\n{}", options.format.unwrap().name(), refusal(text.as_bytes(), &options));
    }
    insta::assert_snapshot!(report);
}

/// That what was imported is read by our own reader and written again with the same bytes.
fn check(all: &[Imported]) {
    for Imported { layout, .. } in all {
        let text = layout.to_json();
        let again = Layout::from_json(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(&again.to_json(), &text);
        for object in layout.objects.iter().flatten() {
            let [x0, y0, x1, y1] = object.rect;
            assert!(0.0 <= x0 && x0 <= x1 && x1 <= 1.0 && 0.0 <= y0 && y0 <= y1 && y1 <= 1.0, "{text}");
            assert!(object.phrase.is_some() || object.image.is_some(), "{text}");
        }
    }
}

/// Any JSON.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        (0.0..=1.0f64).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,6}", inner), 0..5)
                .prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

/// Puts `new` in the place of the `index`-th value inside `value`, counted from the outside in.
fn replace(value: &mut Value, index: &mut usize, new: &Value) {
    if *index == 0 {
        *value = new.clone();
    }
    *index = index.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, index, new)),
        Value::Object(map) => map.values_mut().for_each(|inner| replace(inner, index, new)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in values()) {
        let text = value.to_string();
        let _ = Layout::import(text.as_bytes(), &ImportOptions::default());
        for &format in ForeignFormat::ALL {
            let options = ImportOptions { format: Some(format), prompt: Some("a\nb") };
            if let Ok(all) = Layout::import(text.as_bytes(), &options) {
                check(&all);
            }
        }
    }

    #[test]
    fn files_with_another_value_in_them_are_read_or_refused(
        name in prop::sample::select(&FILES[..]),
        index in 0..120usize,
        new in values(),
    ) {
        if let Ok(mut value) = serde_json::from_str(&file(name)) {
            replace(&mut value, &mut { index }, &new);
            if let Ok(all) = Layout::import(value.to_string().as_bytes(), &as_format(name)) {
                check(&all);
            }
        }
    }

    #[test]
    fn mangled_files_are_read_or_refused(
        name in prop::sample::select(&FILES[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = file(name).into_bytes();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        for bytes in [&bytes[..], &bytes[..length.index(bytes.len())]] {
            for options in [ImportOptions::default(), as_format(name)] {
                if let Ok(all) = Layout::import(bytes, &options) {
                    check(&all);
                }
            }
        }
    }
}
