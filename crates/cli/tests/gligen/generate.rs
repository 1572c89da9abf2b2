//! Pictures that come out, and what is told about them.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::program::{CAT, Program, text};

fn picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xaeB`\x82")
}

#[test]
fn a_picture_gets_the_next_free_name_and_only_its_path_is_printed() {
    let program = Program::new();
    assert_eq!(program.generate(&CAT), "gligen-0001.png\n");
    assert_eq!(program.generate(&CAT), "gligen-0002.png\n");
    assert_eq!(program.files(), ["gligen-0001.png", "gligen-0002.png"]);
    assert!(picture(&fs::read(program.path("gligen-0001.png")).unwrap()));
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let program = Program::new();
    for (name, threads) in [("a.png", "1"), ("b.png", "3")] {
        program.generate(&[&CAT[..], &["--seed", "7", "--threads", threads, "--output", name]].concat());
    }
    program.generate(&[&CAT[..], &["--seed", "8", "--output", "c.png"]].concat());
    let read = |name| fs::read(program.path(name)).unwrap();
    assert_eq!(read("a.png"), read("b.png"));
    assert_ne!(read("a.png"), read("c.png"));
}

/// Another device than the default one has no fast paths, and the same picture.
#[test]
fn the_same_seed_gives_the_same_picture_on_another_device() {
    let program = Program::new();
    for (name, device) in [("a.png", "flex"), ("b.png", "ndarray")] {
        program.generate(&[&CAT[..], &["--seed", "7", "--device", device, "--output", name]].concat());
    }
    assert_close(&program, "a.png", "b.png");
}

#[test]
fn a_picture_repeats_itself() {
    let program = Program::new();
    program.generate(
        &[
            &CAT[..],
            &["--num-images", "2", "--prompt", "a dog on a black background", "--negative-prompt", "a cat"],
            &["--scheduler", "euler", "--seed", "5", "--output", "a.png"],
        ]
        .concat(),
    );
    assert_eq!(program.files(), ["a-0.png", "a-1.png", "a-2.png", "a-3.png"]);
    for name in ["a-0.png", "a-3.png"] {
        program.generate_as_told(&["--layout", name, "--output", "again.png"]);
        assert_eq!(texts(&program, name), texts(&program, "again.png"));
        assert_close(&program, name, "again.png");
    }
}

#[test]
fn a_single_picture_repeats_itself_to_the_byte() {
    let program = Program::new();
    let numbers = ["--guidance-scale", "3.3333333333", "--scheduled-sampling-beta", "0.123456789"];
    program.generate(&[&CAT[..], &numbers, &["--seed", "-1", "--output", "a.png"]].concat());
    program.generate_as_told(&["--layout", "a.png", "--output", "b.png"]);
    assert_eq!(fs::read(program.path("a.png")).unwrap(), fs::read(program.path("b.png")).unwrap());
}

#[test]
fn a_picture_of_a_diffusers_batch_repeats_itself_to_the_byte() {
    let program = Program::new();
    let batch = ["--compat", "diffusers", "--num-images", "3", "--seed", "5", "--output", "a.png"];
    program.generate(&[&CAT[..], &batch].concat());
    program.generate_as_told(&["--layout", "a-2.png", "--output", "b.png"]);
    assert_eq!(fs::read(program.path("a-2.png")).unwrap(), fs::read(program.path("b.png")).unwrap());
}

/// What it was repainted from is found again from where the picture lies.
#[test]
fn a_repainted_picture_repeats_itself_to_the_byte() {
    let program = Program::new();
    fs::create_dir(program.path("pictures")).unwrap();
    program.generate(&[&CAT[..], &["--seed", "1", "--output", "pictures/cat.png"]].concat());
    let dog = ["--prompt", "a dog", "--phrase", "a dog", "--box", "0.5,0.5,1,1"];
    let repaint = ["--inpaint-image", "pictures/cat.png", "--inpaint-mode", "blend", "--seed", "2"];
    program.generate(&[&dog[..], &repaint, &["--output", "pictures/dog.png"]].concat());
    insta::assert_snapshot!("repainted", texts(&program, "pictures/dog.png"));
    program.generate_as_told(&["--layout", "pictures/dog.png", "--output", "pictures/again.png"]);
    let read = |name| fs::read(program.path(name)).unwrap();
    assert_eq!(read("pictures/dog.png"), read("pictures/again.png"));
    assert_ne!(read("pictures/dog.png"), read("pictures/cat.png"));

    // Without a mask of its own, the mask is the box; this one is the picture, which is light all over.
    let masked = ["--inpaint-mask", "pictures/cat.png", "--output", "masked.png"];
    program.generate(&[&dog[..], &repaint, &masked].concat());
    assert_ne!(read("masked.png"), read("pictures/dog.png"));
}

/// Each picture's own layout has its caption's objects alone.
#[test]
fn a_picture_of_a_batch_of_layouts_repeats_itself() {
    let program = Program::new();
    let layout = r#"{"prompt": ["a cat", "a dog"], "steps": 1, "seed": 3, "objects":
        [[{"phrase": "a cat", "box": [0, 0, 0.5, 1]}], [{"phrase": "a dog", "box": [0.5, 0, 1, 1]}]]}"#;
    fs::write(program.path("layout.json"), layout).unwrap();
    program.generate_as_told(&["--layout", "layout.json", "--output", "a.png", "--overlay"]);
    assert_eq!(program.files(), ["a-0-boxes.png", "a-0.png", "a-1-boxes.png", "a-1.png", "layout.json"]);
    insta::assert_snapshot!("layout_of_a_batch", texts(&program, "a-1.png"));
    program.generate_as_told(&["--layout", "a-1.png", "--output", "b.png"]);
    assert_eq!(fs::read(program.path("a-1.png")).unwrap(), fs::read(program.path("b.png")).unwrap());
}

#[test]
fn image_k_of_a_run_is_that_of_seed_plus_k() {
    let program = Program::new();
    program.generate(&[&CAT[..], &["--seed", "5", "--num-images", "2", "--output", "a.png"]].concat());
    program.generate(&[&CAT[..], &["--seed", "6", "--output", "b.png"]].concat());
    assert_close(&program, "a-1.png", "b.png");
}

#[test]
fn a_layout_comes_from_a_file_or_from_standard_input_and_flags_win() {
    let program = Program::new();
    let layout = r#"{"prompt": "a dog", "objects": [{"phrase": "a dog", "box": [0, 0, 1, 1]}], "seed": 3, "steps": 1}"#;
    fs::write(program.path("layout.json"), layout).unwrap();
    program.generate_as_told(&["--layout", "layout.json", "--output", "file.png"]);
    let mut child = program
        .command(&["generate", "--layout", "-", "--output", "stdin.png"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(layout.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read(program.path("file.png")).unwrap(), fs::read(program.path("stdin.png")).unwrap());

    program.generate_as_told(
        &[&["--layout", "layout.json", "--output", "flags.png", "--seed", "4"], &CAT[..]].concat(),
    );
    insta::assert_snapshot!("flags_win", texts(&program, "flags.png"));
}

#[test]
fn upside_down_boxes_are_taken_as_they_are_for_compatibility() {
    let program = Program::new();
    let args =
        ["--prompt", "a cat", "--phrase", "a cat", "--box", "0.9,0.8,0.1,0.2", "--compat", "diffusers"];
    program.generate(&args);
}

#[test]
fn a_box_without_area_is_legal() {
    Program::new().generate(&["--prompt", "a cat", "--phrase", "a cat", "--box", "0,1,0,1"]);
}

#[test]
fn json_lines_say_all_about_a_picture() {
    let program = Program::new();
    let args = ["--json", "--overlay", "--num-images", "2", "--seed", "9", "--output", "a.png"];
    let lines = program.generate(&[&CAT[..], &args].concat());
    let seconds = |line: &str| {
        let (before, after) = line.split_once("\"seconds\":").unwrap();
        format!("{before}\"seconds\":…{}", after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'))
    };
    insta::assert_snapshot!("json_lines", lines.lines().map(seconds).collect::<Vec<_>>().join("\n"));
    assert_eq!(program.files(), ["a-0-boxes.png", "a-0.png", "a-1-boxes.png", "a-1.png"]);
}

#[test]
fn a_sheet_has_all_pictures() {
    let program = Program::new();
    let args = ["--prompt", "a dog", "--num-images", "2", "--output", "a.png", "--sheet", "all.png"];
    let told = program.generate(&[&CAT[..], &args].concat());
    assert_eq!(told, "a-0.png\na-1.png\na-2.png\na-3.png\nall.png\n");
    let read = |name: &str| image::open(program.path(name)).unwrap().into_rgb8();
    let sheet = read("all.png");
    assert_eq!(sheet.dimensions(), (2 * 132 + 4, 2 * 132 + 4));
    for (index, (left, top)) in [(4, 4), (136, 4), (4, 136), (136, 136)].into_iter().enumerate() {
        let picture = image::imageops::crop_imm(&sheet, left, top, 128, 128).to_image();
        assert!(picture == read(&format!("a-{index}.png")), "picture {index}");
    }
}

#[test]
fn a_picture_goes_to_standard_output() {
    let program = Program::new();
    let output = program.run(&[&["generate", "--steps", "1", "--output", "-"], &CAT[..]].concat());
    assert!(picture(&output.stdout));
    assert_eq!(program.files(), [""; 0]);
}

#[test]
fn latents_start_a_run_where_another_stopped() {
    let program = Program::new();
    let save = ["--save-latents", "latents.safetensors", "--output", "a.png", "--seed", "2"];
    program.generate(&[&CAT[..], &save].concat());
    let start = ["--latents", "latents.safetensors", "--seed", "2"];
    program.generate(&[&CAT[..], &start, &["--output", "b.png"]].concat());
    program.generate(&[&CAT[..], &start, &["--output", "c.png"]].concat());
    let read = |name| fs::read(program.path(name)).unwrap();
    assert_ne!(read("a.png"), read("b.png"));
    assert_eq!(read("b.png"), read("c.png"));
}

#[test]
fn metadata_is_left_out_on_request() {
    let program = Program::new();
    program.generate(&[&CAT[..], &["--no-metadata", "--output", "a.png"]].concat());
    insta::assert_snapshot!("no_metadata", program.told(&["metadata", "a.png"]));
    insta::assert_snapshot!("layout_without_metadata", program.told(&["generate", "--layout", "a.png"]));
}

#[test]
fn progress_is_a_line_now_and_then() {
    let program = Program::new();
    let args = ["--steps", "2", "--seed", "1"];
    let told = |more: &[&str]| {
        let output = program.run(&[&["generate"], &CAT[..], &args, more].concat());
        let lines = text(&output.stderr);
        let without_times = |line: &str| {
            let digits_out = line.replace(|c: char| c.is_ascii_digit(), "0");
            digits_out.replace("00.0", "0.0")
        };
        lines.lines().map(without_times).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("progress", told(&[]));
    insta::assert_snapshot!("progress_verbose", told(&["--verbose"]));
    assert_eq!(told(&["--quiet"]), "");
}

#[test]
fn what_the_built_in_model_has_not_learnt_gets_a_warning() {
    let program = Program::new();
    let args =
        ["--quiet", "--prompt", "a dragon on a violet background", "--phrase", "a dragn", "--box", "0,0,1,1"];
    let output = program.run(&[&["generate", "--steps", "1"], &args[..]].concat());
    assert!(output.status.success());
    insta::assert_snapshot!("unknown_things", text(&output.stderr));
}

impl Program {
    /// Runs `gligen generate` with these arguments alone, which must succeed.
    fn generate_as_told(&self, args: &[&str]) {
        let output = self.run(&[&["generate"], args].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

fn texts(program: &Program, name: &str) -> String {
    let told = program.told(&["metadata", name]);
    assert!(told.starts_with("exit: 0"), "{told}");
    told
}

/// Matrix products of another batch size may add in another order, so that a byte may be rounded to its neighbour.
fn assert_close(program: &Program, first: &str, second: &str) {
    let read = |name: &str| image::open(program.path(name)).unwrap().into_rgb8().into_raw();
    let largest = read(first).iter().zip(read(second)).map(|(a, b)| a.abs_diff(b)).max();
    println!("{first} and {second} differ by at most {largest:?} of 255");
    assert!(largest <= Some(1), "{first} and {second} differ by {largest:?}");
}

/// After the last evaluation nothing is unfinished: the decoded look is the picture.
#[test]
fn looks_at_the_unfinished_picture() {
    let program = Program::new();
    let draw = |how: &str, interval: &str| {
        let look = ["--preview", how, "--preview-interval", interval, "--preview-path", "look.png"];
        let output = program.run(
            &[
                &["generate"],
                &CAT[..],
                &["--quiet", "--steps", "3", "--scheduler", "ddim", "--output", "cat.png"],
                &look,
            ]
            .concat(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        let [look, cat] =
            ["look.png", "cat.png"].map(|name| image::open(program.path(name)).unwrap().into_rgb8());
        assert_eq!(look.dimensions(), cat.dimensions());
        std::fs::remove_file(program.path("look.png")).unwrap();
        look == cat
    };
    assert!(draw("vae", "1"));
    assert!(!draw("vae", "2"), "a look after the second evaluation is not the picture");
    assert!(!draw("linear", "1"));
    let refused = program.run(
        &[&["generate"], &CAT[..], &["--preview", "linear", "--preview-path", "nowhere/look.png"]].concat(),
    );
    assert_eq!(refused.status.code(), Some(2));
}
