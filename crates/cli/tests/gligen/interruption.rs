//! Ctrl-C and closed pipes.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::program::{CAT, Program};

#[test]
fn ctrl_c_ends_the_run_after_the_evaluation_in_hand() {
    let program = Program::new();
    let mut child = program
        .command(&[&["generate", "--steps", "900", "--scheduler", "ddim", "--verbose"], &CAT[..]].concat())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("step 2 of 900")).unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let last = lines.last().unwrap();
    assert!(last.starts_with("error: cancelled after step "), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(program.files(), [""; 0]);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let program = Program::new();
    let mut child = program
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}
