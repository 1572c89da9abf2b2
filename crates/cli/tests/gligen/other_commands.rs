//! The subcommands beside `generate`.

use std::fs;

use crate::program::{CAT, Program};

/// A small random model of the tests, in the published layout.
const TEXT_BOX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/text-box");

#[test]
fn inspect_tells_what_the_built_in_model_is() {
    let program = Program::new();
    insta::assert_snapshot!("inspect", program.told(&["inspect"]));
    let output = program.run(&["inspect", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["kind"], "text-box");
    assert_eq!(value["width"], 128);
}

#[test]
fn inspect_reads_a_folder() {
    let program = Program::new();
    let told = program.told(&["inspect", TEXT_BOX]).replace(TEXT_BOX, "text-box");
    insta::assert_snapshot!("inspect_folder", told);
    insta::assert_snapshot!("inspect_nothing", program.told(&["inspect", "nothing"]));
}

#[test]
fn devices_are_listed() {
    let output = Program::new().run(&["devices"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.contains("flex     available, the default"), "{lines}");
    assert!(lines.contains("metal    not built in: build with --features metal"), "{lines}");
}

#[test]
fn schedulers_are_listed() {
    let program = Program::new();
    insta::assert_snapshot!("schedulers", program.told(&["schedulers"]));
    assert!(program.told(&["schedulers", "--json"]).contains(r#""name":"pndm""#));
}

#[test]
fn metadata_is_read_back() {
    let program = Program::new();
    let args = ["--negative-prompt", "a dog", "--seed", "7", "--output", "a.png"];
    program.generate(&[&CAT[..], &args].concat());
    insta::assert_snapshot!("metadata", program.told(&["metadata", "a.png"]));
    insta::assert_snapshot!("metadata_json", program.told(&["metadata", "a.png", "--json"]));
    fs::write(program.path("b.png"), "no picture").unwrap();
    insta::assert_snapshot!("metadata_no_picture", program.told(&["metadata", "b.png"]));
}

#[test]
fn manual_pages_are_written() {
    let program = Program::new();
    assert!(program.run(&["man", "."]).status.success());
    assert!(program.files().contains(&"gligen-generate.1".to_string()), "{:?}", program.files());
}
