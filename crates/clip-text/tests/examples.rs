//! The example runs.

use gligen_testkit::example;

#[test]
fn alike() {
    let output = example("alike").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("\"a cat\" is 2 tokens\n"), "{told}");
    // Nothing is more alike to a text than itself.
    let first_row = told.lines().find(|line| line.ends_with("  a cat")).unwrap();
    assert!(first_row.trim_start().starts_with("1.000"), "{told}");
}
