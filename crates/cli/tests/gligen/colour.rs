//! Colour: for people at a terminal who want it, and nobody else.

use std::process::Command;

use crate::program::{Program, text};

/// What opens a colour or a bold letter.
const COLOUR: &str = "\x1b[";

const ERROR: [&str; 3] = ["generate", "--layout", "none.json"];
const WRONG_USAGE: [&str; 2] = ["generate", "--step"];
const HELP: [&str; 1] = ["--help"];

/// Variables that have a say in it.
const VARIABLES: [&str; 6] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLORTERM", "CI"];

fn command(program: &Program, args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = program.command(args);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

/// All that is told where nothing is a terminal.
fn piped(args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = command(&Program::new(), args, variables).output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn there_is_none_in_a_pipe_unless_it_is_forced() {
    for args in [&ERROR[..], &WRONG_USAGE, &HELP] {
        assert!(!piped(args, &[("TERM", "xterm-256color")]).contains(COLOUR), "{args:?}");
        assert!(piped(args, &[("CLICOLOR_FORCE", "1")]).contains(COLOUR), "{args:?}");
        assert!(piped(args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]).contains(COLOUR), "{args:?}");
        assert!(!piped(args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains(COLOUR), "{args:?}");
        assert!(!piped(args, &[("CLICOLOR_FORCE", "")]).contains(COLOUR), "{args:?}");
    }
    let json = [&ERROR[..], &["--json"]].concat();
    assert!(!piped(&json, &[("CLICOLOR_FORCE", "1")]).contains(COLOUR));
}

/// `script` of util-linux gives a program a terminal.
#[test]
#[cfg(target_os = "linux")]
fn there_is_some_at_a_terminal_unless_it_is_unwanted() {
    let at_a_terminal = |args: &[&str], variables: &[(&str, &str)]| {
        let program = Program::new();
        let mut script = Command::new("script");
        let inner = command(&program, args, variables);
        script.args(["-qec", &format!("{} {}", inner.get_program().display(), args.join(" ")), "/dev/null"]);
        script.current_dir(program.folder()).stdin(std::process::Stdio::null());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        text(&script.output().unwrap().stdout)
    };
    if Command::new("script").arg("--version").output().is_err() {
        println!("left out: there is no program `script` here");
        return;
    }
    for args in [&ERROR[..], &WRONG_USAGE, &HELP] {
        let told = at_a_terminal(args, &[("TERM", "xterm-256color")]);
        assert!(told.contains(COLOUR), "{args:?}: {told}");
        let plain: [&[_]; 3] = [
            &[("TERM", "xterm-256color"), ("NO_COLOR", "1")],
            &[("TERM", "dumb")],
            &[("TERM", "xterm-256color"), ("CLICOLOR", "0")],
        ];
        for variables in plain {
            let told = at_a_terminal(args, variables);
            assert!(told.len() > 20 && !told.contains(COLOUR), "{args:?} with {variables:?}: {told}");
        }
    }
}
