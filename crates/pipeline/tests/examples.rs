//! The examples run, each in an empty folder, and draw what they say.

use gligen_testkit::example;

/// Runs `examples/NAME.rs`, which must write these pictures and nothing else.
fn run(name: &str, pictures: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = example(name).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let entries = folder.path().read_dir().unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, pictures, "{name}");
    for picture in pictures {
        let image = image::open(folder.path().join(picture)).unwrap().into_rgb8();
        let first = image.get_pixel(0, 0);
        assert!(image.pixels().any(|pixel| pixel != first), "{name}: {picture} is of one colour");
    }
}

#[test]
fn text_boxes() {
    run("text_boxes", &["cat-and-apple.png"]);
}

#[test]
fn pictures_in_boxes() {
    run("pictures_in_boxes", &["pictures-in-boxes.png"]);
}

#[test]
fn inpainting() {
    run("inpainting", &["before.png", "doughnut.png", "watermelon.png"]);
}

#[test]
fn custom_scheduler() {
    run("custom_scheduler", &["late-steps.png"]);
}

#[test]
fn own_text_encoder() {
    run("own_text_encoder", &["penguin-1.png", "penguin-2.png"]);
}

#[test]
fn shared_networks() {
    run("shared_networks", &["cat.png", "rocket-and-house.png", "rocket.png"]);
}
