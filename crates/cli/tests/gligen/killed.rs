//! A conversion that is killed leaves nothing under the final name, and does not stand in the way of the next one.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gligen_testkit::fixtures;
use gligen_weights::Checkpoint;

use crate::program::Program;

/// Kills `rounds` conversions at moments spread over the time that one takes, and says how many were killed before and
/// after they were done.
fn kill(rounds: u32, to: &str) -> [u32; 2] {
    let program = Program::new();
    let model = fixtures().join("tiny-gligen");
    let args = |out| ["convert", model.to_str().unwrap(), out, "--to", to, "--dtype", "f32"];
    let started = Instant::now();
    assert!(program.run(&args("whole")).status.success());
    let whole = started.elapsed();
    let mut counts = [0; 2];
    for round in 0..rounds {
        let mut child =
            program.command(&args("out")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Beyond the end as well, and not always at the same places.
        sleep(whole.mul_f64(1.2 * (f64::from(round) + 0.5) / f64::from(rounds)));
        assert!(Command::new("kill").args(["-KILL", &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap();
        let done = program.path("out").exists();
        counts[usize::from(done)] += 1;
        if done {
            same(&program, "out");
            remove(&program, "out");
        }
    }
    // Whatever is left of them, the next one succeeds and clears it up.
    assert!(program.run(&args("out")).status.success());
    same(&program, "out");
    assert_eq!(program.files(), ["out", "whole"]);
    counts
}

/// Every tensor, and every other file, is what the undisturbed conversion wrote.
fn same(program: &Program, name: &str) {
    let open = |name| Checkpoint::open(&program.path(name)).unwrap();
    let (found, expected) = (open(name), open("whole"));
    assert_eq!(found.parts().count(), expected.parts().count());
    for ((part, found), (_, expected)) in found.parts().zip(expected.parts()) {
        assert!(found.tensors().eq(expected.tensors()), "{part}");
        for (key, _) in found.tensors() {
            assert!(found.numbers(key).unwrap() == expected.numbers(key).unwrap(), "{part}: {key}");
        }
    }
}

fn remove(program: &Program, name: &str) {
    let path = program.path(name);
    if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
}

#[test]
fn at_a_few_moments() {
    kill(3, "diffusers");
    kill(3, "single-file");
}

/// As often as the issue asks for: `cargo test -p gligen-cli -- --ignored at_many_moments --nocapture`.
#[test]
#[ignore = "takes a minute"]
fn at_many_moments() {
    for to in ["diffusers", "single-file"] {
        let [before, after] = kill(50, to);
        println!("{to}: {before} killed before they were done, {after} after");
        assert!(before > 10);
    }
}

#[test]
fn ctrl_c_leaves_nothing() {
    let program = Program::new();
    let model = fixtures().join("tiny-gligen");
    let args = ["convert", model.to_str().unwrap(), "out", "--to", "diffusers", "--dtype", "f32"];
    let mut child = program.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !program.path(".out.part").exists() {
        sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    // It may have been done already.
    match status.code() {
        Some(130) => assert_eq!(program.files(), [""; 0]),
        code => assert_eq!((code, program.files()), (Some(0), vec!["out".to_owned()])),
    }
}
