//! Running other programs from the root of the workspace.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Result;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// `program`, to be run in the root.
pub(crate) fn program(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs this program, with `arguments` separated by spaces.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.split_whitespace());
    command
}

/// The Python that has the reference: `chosen`, else `GLIGEN_PYTHON`, else `python3`.
pub(crate) fn python(chosen: Option<&Path>) -> PathBuf {
    let from_environment = || std::env::var_os("GLIGEN_PYTHON").map(PathBuf::from);
    chosen.map(PathBuf::from).or_else(from_environment).unwrap_or_else(|| "python3".into())
}

/// The program `gligen`, built as its tests build it, so that what they have built is used.
pub(crate) fn gligen() -> Result<PathBuf> {
    run(&mut cargo("test -p gligen-cli --no-run"))?;
    let metadata: Value =
        serde_json::from_str(&output(&mut cargo("metadata --no-deps --format-version 1"))?)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata: no target_directory")?;
    Ok(Path::new(target).join("debug").join(format!("gligen{EXE_SUFFIX}")))
}

/// Runs `command` to its end; a failure names the command line.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|e| format!("cannot run {}: {e}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command)).into()) }
}

/// What `command` prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run {}: {e}", line(command)))?;
    if !output.status.success() {
        return Err(format!("{}: {}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The command line of `command`, as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
