//! Help and version.

use crate::program::{Program, text};

fn help(args: &[&str]) -> String {
    let output = Program::new().run(args);
    assert!(output.status.success());
    // The version changes with every release.
    text(&output.stdout).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn help_is_as_it_was() {
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help_generate", help(&["generate", "--help"]));
    insta::assert_snapshot!("help_generate_short", help(&["generate", "-h"]));
    insta::assert_snapshot!("help_convert", help(&["convert", "--help"]));
    insta::assert_snapshot!("help_inspect", help(&["inspect", "--help"]));
    insta::assert_snapshot!("help_pull", help(&["pull", "--help"]));
    insta::assert_snapshot!("help_serve", help(&["serve", "--help"]));
    insta::assert_snapshot!("help_metadata", help(&["metadata", "--help"]));
    insta::assert_snapshot!("help_layout", help(&["layout", "--help"]));
    insta::assert_snapshot!("help_layout_import", help(&["layout", "import", "--help"]));
    insta::assert_snapshot!("help_layout_draw", help(&["layout", "draw", "--help"]));
}

#[test]
fn the_version_names_what_was_built_in() {
    // Other backends may have been built in too.
    let version = help(&["--version"]);
    assert!(version.starts_with("gligen VERSION (devices: flex"), "{version}");
}

#[test]
fn help_for_nothing_is_wrong_usage() {
    assert_eq!(Program::new().run(&[]).status.code(), Some(2));
}
