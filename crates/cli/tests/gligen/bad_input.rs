//! What is refused, and in which words: exit status, message and hint of each case are kept as snapshots.

use std::fs;

use crate::program::{CAT, Program, text};

/// Runs `gligen generate`, keeps what it told, and holds it to leaving nothing behind.
fn refused(name: &str, args: &[&str]) {
    let program = Program::new();
    let told = program.told(&[&["generate"], args].concat());
    insta::assert_snapshot!(name, told);
    assert_eq!(program.files(), [""; 0], "{name}");
}

fn with_cat(name: &str, args: &[&str]) {
    refused(name, &[&CAT, args].concat());
}

/// The path of a stored picture.
fn picture(name: &str) -> String {
    gligen_tests::pictures().join(name).display().to_string()
}

#[test]
fn boxes() {
    for (name, corners) in [
        ("box_outside", "0.1,0.2,1.5,0.9"),
        ("box_negative", "-0.1,0.2,0.5,0.9"),
        ("box_pixels", "10,20,300,400"),
        ("box_upside_down", "0.9,0.8,0.1,0.2"),
        ("box_nan", "0.1,NaN,0.9,0.9"),
        ("box_three_numbers", "0.1,0.2,0.9"),
        ("box_words", "left,0,1,1"),
    ] {
        refused(name, &["--prompt", "a cat", "--phrase", "a cat", "--box", corners]);
    }
}

#[test]
fn pairs() {
    let two_boxes = ["--box", "0,0,1,1", "--box", "0,0,1,1"];
    let three_phrases = ["--phrase", "a cat", "--phrase", "a dog", "--phrase", "a bee"];
    refused("three_phrases_two_boxes", &[&["--prompt", "x"], &three_phrases[..], &two_boxes].concat());
    refused("no_phrase", &["--prompt", "x", "--phrase", "-", "--box", "0,0,1,1"]);
    refused(
        "two_negative_prompts",
        &[
            "--prompt",
            "a",
            "--prompt",
            "b",
            "--prompt",
            "c",
            "--negative-prompt",
            "d",
            "--negative-prompt",
            "e",
        ],
    );
}

#[test]
fn numbers() {
    with_cat("height_100", &["--height", "100"]);
    with_cat("steps_0", &["--steps", "0"]);
    with_cat("steps_too_many", &["--seed", "1", "--steps", "1001"]);
    with_cat("scheduled_sampling_beta_2", &["--scheduled-sampling-beta", "2"]);
    with_cat("guidance_infinite", &["--guidance-scale", "inf"]);
    with_cat("eta_with_pndm", &["--seed", "1", "--eta", "0.5"]);
    with_cat("num_images_0", &["--num-images", "0"]);
    with_cat("clip_skip_99", &["--seed", "1", "--clip-skip", "99"]);
    with_cat("seed_minus_2", &["--seed", "-2"]);
    with_cat("threads_0", &["--threads", "0"]);
}

#[test]
fn names() {
    with_cat("unknown_scheduler", &["--scheduler", "eular"]);
    with_cat("unknown_device", &["--device", "gpu"]);
    with_cat("device_not_built_in", &["--device", "metal"]);
    with_cat("dtype_f16", &["--dtype", "f16"]);
    with_cat("unknown_flag", &["--step", "3"]);
    with_cat("picture_per_box", &["--image", "cat.png"]);
    with_cat("picture_on_text_box_model", &["--image", &picture("cat.png")]);
    with_cat("inpainting", &["--inpaint-image", "room.png"]);
    with_cat("inpainting_on_plain_model", &["--inpaint-image", &picture("room.png")]);
    let repaint = ["--inpaint-mode", "blend", "--inpaint-image", &picture("room.png")];
    with_cat("mask_of_another_size", &[&repaint[..], &["--inpaint-mask", &picture("cat.png")]].concat());
    with_cat("mask_without_picture", &["--inpaint-mask", &picture("cat.png")]);
    with_cat("unknown_inpaint_mode", &["--inpaint-mode", "magic"]);
    refused("nowhere_to_repaint", &[&repaint[..], &["--prompt", "a cat"]].concat());
    refused(
        "two_pictures_one_box",
        &["--prompt", "x", "--box", "0,0,1,1", "--image", "a.png", "--image", "b.png"],
    );
    refused("no_caption", &[]);
}

#[test]
fn models() {
    with_cat("no_such_model", &["--model", "no/such/model"]);
    let program = Program::new();
    fs::create_dir_all(program.path("model/unet")).unwrap();
    fs::write(program.path("file"), "").unwrap();
    insta::assert_snapshot!(
        "folder_is_no_model",
        program.told(&[&["generate", "--model", "model"], &CAT[..]].concat())
    );
    insta::assert_snapshot!(
        "file_is_no_model",
        program.told(&[&["generate", "--model", "file"], &CAT[..]].concat())
    );
}

#[test]
fn layouts() {
    let program = Program::new();
    let told = |name: &str, layout: &str| {
        fs::write(program.path("layout.json"), layout).unwrap();
        insta::assert_snapshot!(name, program.told(&["generate", "--layout", "layout.json"]));
    };
    told("layout_unknown_key", r#"{"prompt": "a cat", "object": []}"#);
    told("layout_box", r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0, 0, 128, 128]}]}"#);
    told("layout_picture", r#"{"prompt": "a cat", "objects": [{"image": "cat.png", "box": [0, 0, 1, 1]}]}"#);
    told("layout_index", r#"{"prompt": "a cat", "index": 1}"#);
    told("layout_not_json", "a cat");
    insta::assert_snapshot!("no_such_layout", program.told(&["generate", "--layout", "none.json"]));
}

#[test]
fn latents() {
    let program = Program::new();
    fs::write(program.path("noise.safetensors"), "noise").unwrap();
    let args = [&["generate", "--latents", "noise.safetensors"], &CAT[..]].concat();
    insta::assert_snapshot!("latents_no_safetensors", program.told(&args));

    program.generate(&[&CAT[..], &["--save-latents", "noise.safetensors", "--output", "cat.png"]].concat());
    let args = [&args, &["--width", "64"][..]].concat();
    insta::assert_snapshot!("latents_of_another_size", program.told(&args));
}

#[test]
fn outputs() {
    with_cat("output_no_folder", &["--output", "no/such/folder/cat.png"]);
    with_cat("output_folder", &["--output", "."]);
    with_cat("output_stdout_with_json", &["--output", "-", "--json"]);
    with_cat("sheet_no_folder", &["--sheet", "no/such/folder/sheet.png"]);
    with_cat("sheet_folder", &["--sheet", "."]);
    with_cat("sheet_is_the_output", &["--sheet", "cat.png", "--output", "cat.png"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_nothing() {
    with_cat("full_device", &["--steps", "1", "--seed", "1", "--output", "/dev/full"]);

    // A real file in a real folder: the limit on a file's size stands for a disk that fills up. The signal that goes
    // with it is ignored, so that the program sees an error, as with a full disk.
    let program = Program::new();
    fs::write(program.path("cat.png"), "an older picture").unwrap();
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    let generate = [&["generate", "--quiet", "--steps", "1", "--output", "cat.png"], &CAT[..]].concat();
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_gligen")])
        .args(generate)
        .current_dir(program.folder())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("file_too_large", text(&output.stderr));
    assert_eq!(program.files(), ["cat.png"]);
    assert_eq!(fs::read(program.path("cat.png")).unwrap(), b"an older picture");
}

#[test]
fn errors_are_json_on_request() {
    refused("json_request", &["--prompt", "a cat", "--steps", "0", "--json"]);
    refused("json_usage", &["--prompt", "a cat", "--steps", "many", "--json"]);
    refused("json_usage_flag", &["--prompt", "a cat", "--step", "3", "--json"]);
    refused("json_usage_no_caption", &["--json"]);
    let program = Program::new();
    insta::assert_snapshot!("json_usage_command", program.told(&["genrate", "--json"]));
    insta::assert_snapshot!("json_usage_nothing", program.told(&["--json"]));
}
