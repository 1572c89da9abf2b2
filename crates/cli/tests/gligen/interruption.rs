//! Ctrl-C and closed pipes.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::program::{CAT, Program, text};

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

/// What is finished stays, and the next run goes on behind it.
#[test]
fn ctrl_c_between_many_layouts_loses_nothing() {
    let program = Program::new();
    let line =
        |steps: u32| format!(r#"{{"prompt": "a cat", "seed": 1, "scheduler": "ddim", "steps": {steps}}}"#);
    std::fs::write(program.path("many.jsonl"), [line(1), line(60), line(2)].join("\n")).unwrap();
    let args = ["generate", "--layout", "many.jsonl", "--verbose"];
    let mut child = program.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("step 2 of 60")).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let [error, hint] = &lines.skip_while(|line| line.starts_with("step ")).collect::<Vec<_>>()[..] else {
        panic!("more than an error and a hint");
    };
    assert!(error.starts_with("error: many.jsonl, line 2: cancelled after step "), "{error}");
    assert_eq!(hint, "hint: what is finished is kept; the same command goes on from here");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(program.files(), ["many-0001.png", "many.jsonl"]);

    let first = std::fs::read(program.path("many-0001.png")).unwrap();
    let again = program.run(&args[..3]);
    assert_eq!(text(&again.stdout), "many-0002.png\nmany-0003.png\n");
    assert_eq!(std::fs::read(program.path("many-0001.png")).unwrap(), first);
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
