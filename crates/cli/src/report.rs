//! What people and programs are told: results on standard output, all else on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::LazyLock;

use gligen_pipeline::whole_message;
use serde::Serialize;

use crate::failure::Failure;

/// The version, with the backends that were built in.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!("{} (devices: {})", env!("CARGO_PKG_VERSION"), gligen_kernels::device::built_in().join(", "))
    });
    &VERSION
}

/// Writes a line of results.
pub(crate) fn result(line: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{line}"))
}

/// Writes a line of JSON; keys come in the order of the fields.
pub(crate) fn json_result(line: &impl Serialize) -> Result<(), Failure> {
    result(json_text(line))
}

/// What became of writing to standard output.
pub(crate) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    outcome.map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::System { what: "standard output", source },
    })
}

/// Tells of something that is good to know.
pub(crate) fn note(message: impl Display) {
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// Tells of something that does not stop the run.
pub(crate) fn warning(message: impl Display) {
    let _ = writeln!(anstream::stderr(), "{YELLOW}warning:{RESET} {message}");
}

/// Tells of `failure`, as JSON if `json`, and gives the status to exit with.
pub(crate) fn failure(failure: &Failure, json: bool) -> ExitCode {
    let status = ExitCode::from(failure.exit_status());
    let stderr = &mut anstream::stderr();
    // Nothing can be done if even this cannot be written.
    let _ = match failure {
        Failure::ClosedPipe => Ok(()),
        Failure::Usage(error) if !json || !error.use_stderr() => error.print(),
        _ if json => writeln!(stderr, "{}", as_json(failure)),
        _ => writeln!(stderr, "{}", as_text(failure)),
    };
    status
}

#[derive(Serialize)]
struct JsonFailure {
    error: JsonError,
}

#[derive(Serialize)]
struct JsonError {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

fn as_json(failure: &Failure) -> String {
    let error = JsonError { code: failure.code(), message: whole_message(failure), hint: failure.hint() };
    json_text(&JsonFailure { error })
}

fn json_text(value: &impl Serialize) -> String {
    // What is told are texts, numbers and lists: nothing that JSON cannot say.
    serde_json::to_string(value).unwrap_or_default()
}

fn as_text(failure: &Failure) -> String {
    let mut text = format!("{RED}error:{RESET} {}", whole_message(failure));
    if let Some(hint) = failure.hint() {
        text += &format!("\n{CYAN}hint:{RESET} {hint}");
    }
    text
}

// `anstream` takes them out where there is no terminal or the user wants none.
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";
