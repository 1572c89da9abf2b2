//! The example runs.

use std::process::Command;

#[test]
fn alike() {
    let test = std::env::current_exe().unwrap();
    // Cargo builds the examples before it runs the tests, into the folder beside that of the tests.
    let example = test.ancestors().nth(2).unwrap().join("examples/alike");
    assert!(example.is_file(), "{}: `cargo test -p gligen-clip-text` builds it", example.display());
    let output = Command::new(example).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("\"a cat\" is 2 tokens\n"), "{told}");
    // Nothing is more alike to a text than itself.
    let first_row = told.lines().find(|line| line.ends_with("  a cat")).unwrap();
    assert!(first_row.trim_start().starts_with("1.000"), "{told}");
}
