//! `--layout FILE.jsonl`: a layout on each line.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::SystemTime;

use gligen_testkit::fixtures;

use crate::program::{Program, text};

const CAT: &str = r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0.1, 0.2, 0.9, 0.8]}], "seed": 1, "steps": 1}"#;
const DOG: &str = r#"{"prompt": "a dog", "steps": 1, "num_images": 2}"#;

/// A program beside a file `many.jsonl` of these lines.
fn with_lines(lines: &[&str]) -> Program {
    let program = Program::new();
    fs::write(program.path("many.jsonl"), lines.join("\n")).unwrap();
    program
}

/// What `gligen generate --layout many.jsonl` with `args` tells: paths, and all else without how long it takes.
fn draw(program: &Program, args: &[&str]) -> (String, String) {
    let output = program.run(&[&["generate", "--layout", "many.jsonl"], args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let notes = text(&output.stderr);
    let notes = notes.lines().filter(|line| !line.starts_with("step ") && !line.starts_with("seed "));
    (text(&output.stdout), notes.collect::<Vec<_>>().join("\n"))
}

fn refused(name: &str, program: &Program, args: &[&str]) {
    let before = program.files();
    let told = program.told(&[&["generate", "--layout", "many.jsonl", "--quiet"], args].concat());
    insta::assert_snapshot!(name, told);
    assert_eq!(program.files(), before, "{name}");
}

fn read(program: &Program, name: &str) -> Vec<u8> {
    fs::read(program.path(name)).unwrap()
}

fn written(program: &Program, name: &str) -> SystemTime {
    program.path(name).metadata().unwrap().modified().unwrap()
}

/// A line without a seed is finished with that of its pictures that are left.
#[test]
fn lines_that_are_drawn_are_skipped() {
    let program = with_lines(&[&format!("\u{feff}{CAT}"), "", DOG]);
    let names = ["many-0001.png", "many-0003-0.png", "many-0003-1.png"];
    let (paths, notes) = draw(&program, &[]);
    assert_eq!(paths, names.join("\n") + "\n");
    assert_eq!(notes, "many.jsonl, line 1\nmany.jsonl, line 3");
    let before = names.map(|name| (read(&program, name), written(&program, name)));

    let (paths, notes) = draw(&program, &[]);
    assert_eq!((paths.as_str(), notes.as_str()), ("", "2 of 2 lines are drawn already: skipped"));
    assert_eq!(before, names.map(|name| (read(&program, name), written(&program, name))));

    fs::remove_file(program.path(names[2])).unwrap();
    let (paths, notes) = draw(&program, &[]);
    assert_eq!(paths, names[1..].join("\n") + "\n");
    assert_eq!(notes, "1 of 2 lines are drawn already: skipped\nmany.jsonl, line 3");
    for (name, (bytes, _)) in names.iter().zip(&before) {
        assert!(*bytes == read(&program, name), "{name}");
    }
    assert_eq!(written(&program, names[0]), before[0].1);
}

#[test]
fn names_are_of_the_users_choice_and_flags_win_over_every_line() {
    let program = with_lines(&[CAT, DOG]);
    fs::create_dir(program.path("out")).unwrap();
    let args = ["--output", "out/a.png", "--num-images", "1", "--seed", "5"];
    draw(&program, &args);
    let [first, second] = ["out/a-0001.png", "out/a-0002.png"].map(|name| program.told(&["metadata", name]));
    assert!(first.contains(r#""prompt":"a cat""#) && first.contains("Seed: 5,"), "{first}");
    assert!(second.contains(r#""prompt":"a dog""#) && second.contains("Seed: 5,"), "{second}");
    // A line is the picture of the same layout in a file of its own.
    fs::write(program.path("cat.json"), CAT).unwrap();
    program.run(&["generate", "--layout", "cat.json", "--seed", "5", "--output", "cat.png"]);
    assert!(read(&program, "cat.png") == read(&program, "out/a-0001.png"));
}

#[test]
fn programs_are_told_of_every_picture() {
    let program = with_lines(&[CAT, DOG]);
    draw(&program, &["--seed", "3", "--num-images", "1"]);
    fs::remove_file(program.path("many-0002.png")).unwrap();
    let more = ["--json", "--overlay", "--sheet", "sheet.png"];
    let (lines, _) = draw(&program, &[&["--seed", "3", "--num-images", "1"], &more[..]].concat());
    let mut lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[1]["seconds"].take().is_f64());
    insta::assert_snapshot!(
        "lines_json",
        lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
    // Also of a picture that was there.
    assert!(program.files().contains(&"many-0001-boxes.png".to_owned()), "{:?}", program.files());
    assert_eq!(image::image_dimensions(program.path("sheet.png")).unwrap(), (2 * 132 + 4, 136));
}

#[test]
fn nothing_is_drawn_if_a_line_is_wrong() {
    refused("line_not_json", &with_lines(&[CAT, "", r#"{"prompt": "a cat","#]), &[]);
    refused("line_unknown_key", &with_lines(&[CAT, r#"{"promt": "a cat"}"#]), &[]);
    refused("line_value", &with_lines(&[CAT, r#"{"prompt": "a cat", "steps": "many"}"#]), &[]);
    refused("line_number", &with_lines(&[CAT, r#"{"prompt": "a cat", "steps": 0}"#]), &["--json"]);
    refused(
        "line_picture",
        &with_lines(&[CAT, r#"{"prompt": "a", "objects": [{"image": "none.png", "box": [0, 0, 1, 1]}]}"#]),
        &[],
    );
    refused("line_lora", &with_lines(&[CAT, r#"{"prompt": "a", "loras": [{"file": "none.pt"}]}"#]), &[]);
    refused("no_lines", &with_lines(&["", " "]), &[]);
    refused("lines_to_stdout", &with_lines(&[CAT]), &["--output", "-"]);
    refused("lines_latents", &with_lines(&[CAT]), &["--save-latents", "latents.safetensors"]);
}

#[test]
fn what_is_there_is_not_lost() {
    let program = with_lines(&[CAT, DOG]);
    fs::write(program.path("many-0002-1.png"), "a photograph").unwrap();
    refused("line_something_else", &program, &[]);
    fs::remove_file(program.path("many-0002-1.png")).unwrap();
    draw(&program, &[]);

    // The same lines with other numbers, or from another model.
    refused("line_other_layout", &program, &["--steps", "2"]);
    let other = fixtures().join("models/text-box");
    refused("line_other_model", &program, &["--model", other.to_str().unwrap()]);
    // One that no longer says how it was made.
    let before = [read(&program, "many-0001.png"), read(&program, "many-0002-0.png")];
    let (paths, _) = draw(&program, &["--steps", "2", "--overwrite", "--no-metadata"]);
    assert_eq!(paths, "many-0001.png\nmany-0002-0.png\nmany-0002-1.png\n");
    assert!(before[0] != read(&program, "many-0001.png") && before[1] != read(&program, "many-0002-0.png"));
    refused("line_no_metadata", &program, &["--steps", "2"]);
}

/// A first line of many steps leaves the time for it.
#[test]
fn what_comes_while_other_lines_are_drawn_is_not_lost() {
    const LONG: &str = r#"{"prompt": "a cat", "seed": 1, "steps": 60, "scheduler": "ddim"}"#;
    let draw_while = |program: &Program, come: &dyn Fn()| {
        let args = ["generate", "--layout", "many.jsonl", "--verbose"];
        let mut child = program.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        lines.find(|line| line.starts_with("step 2 of 60")).unwrap();
        come();
        let told = lines.find(|line| line.starts_with("error: "));
        let output = child.wait_with_output().unwrap();
        (output.status.code(), text(&output.stdout), told)
    };

    let program = with_lines(&[LONG, DOG]);
    let photograph = || fs::write(program.path("many-0002-1.png"), "a photograph").unwrap();
    let (status, paths, error) = draw_while(&program, &photograph);
    assert_eq!((status, paths.as_str()), (Some(2), "many-0001.png\n"));
    let expected =
        "error: many.jsonl, line 2: many-0002-1.png is there, but is not what this line draws".to_owned();
    assert_eq!(error, Some(expected));
    assert_eq!(read(&program, "many-0002-1.png"), b"a photograph");

    // Of another run over the same lines.
    let program = with_lines(&[LONG, CAT]);
    draw(&program, &[]);
    fs::remove_file(program.path("many-0001.png")).unwrap();
    fs::rename(program.path("many-0002.png"), program.path("elsewhere.png")).unwrap();
    let before = written(&program, "elsewhere.png");
    let come = || fs::rename(program.path("elsewhere.png"), program.path("many-0002.png")).unwrap();
    let (status, paths, _) = draw_while(&program, &come);
    assert_eq!((status, paths.as_str()), (Some(0), "many-0001.png\n"));
    assert_eq!(written(&program, "many-0002.png"), before);
}

/// LoRA files change a model while it is loaded.
#[test]
fn lines_may_need_other_lora_files() {
    let line = |loras: &str| {
        let rest = r#""seed": 1, "steps": 1, "guidance_scale": 1, "width": 64, "height": 64"#;
        format!(r#"{{"prompt": "a cat", {rest}, "loras": [{loras}]}}"#)
    };
    let file = |scale: f64| {
        let path = fixtures().join("adapters/kohya.safetensors");
        format!(r#"{{"file": "{}", "scale": {scale}}}"#, path.display())
    };
    let program = with_lines(&[&line(""), &line(&file(0.5)), &line(&file(1.0)), &line("")]);
    let model = fixtures().join("models/text-box");
    let model = ["--model", model.to_str().unwrap()];
    draw(&program, &model);
    let pixels = |name: &str| image::open(program.path(name)).unwrap().into_rgb8();
    let [first, half, whole, last] = [1, 2, 3, 4].map(|line| pixels(&format!("many-000{line}.png")));
    assert!(first == last && first != half && half != whole);
    assert_eq!(draw(&program, &model).1, "4 of 4 lines are drawn already: skipped");
}
