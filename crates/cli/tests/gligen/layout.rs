//! `gligen layout`: other programs' layouts taken over, and layouts drawn.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use crate::program::{CAT, Program, text};

/// A layout in a format of other programs.
fn foreign(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/foreign_layouts/");
    fs::read_to_string(format!("{path}{name}")).unwrap()
}

/// A folder with that file in it.
fn with_foreign(name: &str) -> Program {
    let program = Program::new();
    fs::write(program.path(name), foreign(name)).unwrap();
    program
}

/// Runs with `input` on standard input.
fn fed(program: &Program, args: &[&str], input: &str) -> Output {
    let mut child = program
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn size(program: &Program, name: &str) -> (u32, u32) {
    image::image_dimensions(program.path(name)).unwrap()
}

#[test]
fn a_foreign_layout_is_printed_as_ours() {
    let program = with_foreign("gligen-gui.json");
    insta::assert_snapshot!("import", program.told(&["layout", "import", "gligen-gui.json"]));
    let output =
        fed(&program, &["layout", "import", "-", "--from", "gligen-gui"], &foreign("gligen-gui.json"));
    let told = program.told(&["layout", "import", "gligen-gui.json", "--output", "ours.json"]);
    assert!(told.contains("--- stdout\nours.json\n"), "{told}");
    assert_eq!(fs::read(program.path("ours.json")).unwrap(), output.stdout);
    assert_eq!(program.files(), ["gligen-gui.json", "ours.json"]);
}

#[test]
fn of_several_layouts_one_is_chosen_or_all_are_printed() {
    let program = with_foreign("coco.json");
    insta::assert_snapshot!("import_all", program.told(&["layout", "import", "coco.json"]));
    let one = ["layout", "import", "coco.json", "--image-id", "632", "--prompt", "a bright room"];
    insta::assert_snapshot!("import_one", program.told(&one));
    insta::assert_snapshot!(
        "import_no_such_id",
        program.told(&["layout", "import", "coco.json", "--image-id", "1"])
    );
}

#[test]
fn pictures_are_named_from_where_the_layout_is() {
    let program = Program::new();
    fs::create_dir(program.path("theirs")).unwrap();
    fs::write(program.path("theirs/meta.json"), foreign("gligen.json")).unwrap();
    let beside = ["layout", "import", "theirs/meta.json", "--output", "theirs/ours.json"];
    assert!(program.run(&beside).status.success());
    let beside = fs::read_to_string(program.path("theirs/ours.json")).unwrap();
    assert!(beside.contains(r#""image":"images/house.png""#), "{beside}");
    let elsewhere = text(&program.run(&["layout", "import", "theirs/meta.json"]).stdout);
    let whole = program.folder().canonicalize().unwrap().join("theirs/images/house.png");
    assert!(elsewhere.contains(&format!(r#""image":"{}""#, whole.display())), "{elsewhere}");
    // Where the program runs, whichever way the file is named.
    fs::write(program.path("meta.json"), foreign("gligen.json")).unwrap();
    for (file, picture) in [("meta.json", "images/house.png"), ("./meta.json", "./images/house.png")] {
        let here = text(&program.run(&["layout", "import", file]).stdout);
        assert!(here.contains(&format!(r#""image":"{picture}""#)), "{here}");
    }
}

#[test]
fn what_cannot_be_imported_is_refused_in_words() {
    let program = Program::new();
    fs::write(program.path("ours.json"), r#"{"prompt": "a cat"}"#).unwrap();
    fs::write(program.path("other.json"), r#"{"prompt": "a cat", "boxes": []}"#).unwrap();
    fs::write(
        program.path("mig.json"),
        r#"{"7": {"caption": "a", "segment": [{"label": "a", "bbox": [9, 9, 9, 9]}]}}"#,
    )
    .unwrap();
    insta::assert_snapshot!("import_ours", program.told(&["layout", "import", "ours.json"]));
    insta::assert_snapshot!("import_unknown", program.told(&["layout", "import", "other.json"]));
    insta::assert_snapshot!(
        "import_outside",
        program.told(&["layout", "import", "mig.json", "--output", "a.json"])
    );
    insta::assert_snapshot!("import_no_such_file", program.told(&["layout", "import", "nowhere.json"]));
    insta::assert_snapshot!(
        "import_no_such_format",
        program.told(&["layout", "import", "mig.json", "--from", "mgi"])
    );
    assert_eq!(program.files(), ["mig.json", "other.json", "ours.json"]);
}

#[test]
fn an_imported_layout_is_drawn_by_the_model() {
    let program = with_foreign("ideogram.json");
    let ours = text(&program.run(&["layout", "import", "ideogram.json"]).stdout);
    let output = fed(&program, &["generate", "--steps", "1", "--layout", "-", "--output", "a.png"], &ours);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn boxes_are_drawn_without_the_pictures_of_objects() {
    let program = Program::new();
    let layout = r#"{"prompt": "a cat", "width": 640, "height": 384, "objects": [
        {"phrase": "a cat", "box": [0.1, 0.2, 0.5, 0.8]}, {"image": "not/here.png", "box": [0.5, 0.2, 0.9, 0.8]},
        {"image": "data:image/png;base64,AAAA", "box": [0.0, 1.0, 0.0, 1.0]}]}"#;
    fs::write(program.path("a.json"), layout).unwrap();
    insta::assert_snapshot!("draw", program.told(&["layout", "draw", "a.json"]));
    assert_eq!(size(&program, "gligen-0001.png"), (640, 384));
    let picture = image::open(program.path("gligen-0001.png")).unwrap().into_rgb8();
    assert_eq!(picture.get_pixel(64, 200).0, [214, 39, 40], "the left edge of the first box");
    assert_eq!(picture.get_pixel(320, 20).0, [255; 3], "nothing");

    let args = ["layout", "draw", "-", "--width", "1000", "--output", "-"];
    let output = fed(&program, &args, layout);
    let drawn = image::load_from_memory(&output.stdout).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (1000, 384));
}

#[test]
fn boxes_are_drawn_over_a_picture_and_from_the_layout_in_one() {
    let program = Program::new();
    program.generate(&[&CAT[..], &["--overlay", "--output", "a.png"]].concat());
    let told = program.told(&["layout", "draw", "a.png", "--over", "a.png", "--output", "b.png"]);
    assert!(told.starts_with("exit: 0\n--- stdout\nb.png\n"), "{told}");
    let pixels = |name| image::open(program.path(name)).unwrap().into_rgb8();
    assert!(pixels("b.png") == pixels("a-boxes.png"), "not the overlay's pixels");
}

#[test]
fn captions_with_objects_of_their_own_are_drawn_each() {
    let program = Program::new();
    let layout = r#"{"prompt": ["a", "b"], "objects": [[{"phrase": "a", "box": [0, 0, 1, 1]}], []]}"#;
    fs::write(program.path("a.json"), layout).unwrap();
    let told = program.told(&["layout", "draw", "a.json", "--output", "a.png"]);
    assert!(told.starts_with("exit: 0\n--- stdout\na-0.png\na-1.png\n"), "{told}");
    assert_eq!(size(&program, "a-1.png"), (512, 512));
}

#[test]
fn layouts_on_lines_are_drawn_each_in_its_size() {
    let program = with_foreign("mig.json");
    let lines = text(&program.run(&["layout", "import", "mig.json"]).stdout);
    let lines = format!("\u{feff}{lines}\n{}", r#"{"prompt": "a", "width": 640, "height": 80}"#);
    let output = fed(&program, &["layout", "draw", "-", "--output", "a.png"], &lines);
    assert_eq!(text(&output.stdout), "a-0.png\na-1.png\na-2.png\n");
    assert_eq!((size(&program, "a-0.png"), size(&program, "a-2.png")), ((512, 512), (640, 80)));
}

#[test]
fn what_cannot_be_drawn_is_refused_in_words() {
    let program = Program::new();
    let write = |name: &str, layout: &str| fs::write(program.path(name), layout).unwrap();
    write("pixels.json", r#"{"prompt": "a", "objects": [{"phrase": "a", "box": [10, 20, 300, 400]}]}"#);
    write("inverted.json", r#"{"prompt": "a", "objects": [{"phrase": "a", "box": [0.9, 0, 0.1, 1]}]}"#);
    write("huge.json", r#"{"prompt": "a", "width": 1000000000}"#);
    write("foreign.json", r#"{"caption": "a", "annos": []}"#);
    write("good.json", r#"{"prompt": "a"}"#);
    write(
        "pixels.jsonl",
        "{\"prompt\": \"a\"}\n\n{\"prompt\": \"a\", \"objects\": [{\"phrase\": \"a\", \"box\": [0, 0, 1, 9]}]}",
    );
    write("lines.jsonl", "{\"prompt\": \"a\"}\n{\"promt\": \"a\"}\n");
    let cases = [
        ("draw_pixels", &["pixels.json"][..]),
        ("draw_inverted", &["inverted.json"]),
        ("draw_huge", &["huge.json"]),
        ("draw_foreign", &["foreign.json"]),
        ("draw_line_unknown_key", &["lines.jsonl"]),
        ("draw_line_pixels", &["pixels.jsonl"]),
        ("draw_over_nothing", &["good.json", "--over", "nowhere.png"]),
        ("draw_width", &["good.json", "--width", "0"]),
        ("draw_over_and_width", &["good.json", "--over", "a.png", "--width", "9"]),
    ];
    for (name, args) in cases {
        insta::assert_snapshot!(name, program.told(&[&["layout", "draw"], args].concat()));
    }
    assert!(!program.files().iter().any(|name| name.ends_with(".png")));
}
