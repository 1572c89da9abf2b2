//! `cargo xtask fixtures`: the stored tensors and small models, from the pinned reference.

use std::path::PathBuf;

use crate::Result;
use crate::process::{self, program};

/// Make the stored tensors and small models again from the pinned reference
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; say which files differ from what the reference gives
    #[arg(long)]
    check: bool,
    /// A Python with fixtures/make/requirements.txt installed [default: $GLIGEN_PYTHON, else python3]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Only these topics, as `fixtures/make --help` lists them
    topics: Vec<String>,
}

/// Runs the script `fixtures/make`.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let mut script = program(process::python(arguments.python.as_deref()));
    script.arg("fixtures/make").args(arguments.check.then_some("--check")).arg("fixtures");
    process::run(script.args(&arguments.topics))
}
