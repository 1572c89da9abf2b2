//! `cargo xtask clients`: clients of other programs against `gligen serve`.

use std::path::PathBuf;

use crate::Result;
use crate::process::{gligen, output, program, root, run as finish};

/// Where the test is.
const FOLDER: &str = "crates/server/client-tests";

/// The virtual environment with the packages that it uses.
const ENVIRONMENT: &str = "target/clients";

/// Talk to `gligen serve` by the real `openai` package, and as programs for AUTOMATIC1111 do
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// A Python with crates/server/client-tests/requirements.txt installed [default: the one in target/clients]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// Builds the program and runs the test on it; says what is missing, and installs nothing.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let python = arguments.python.clone().unwrap_or_else(|| root().join(ENVIRONMENT).join("bin/python"));
    output(program(&python).args(["-c", "import openai"])).map_err(|error| {
        format!(
            "{error}; the packages of the test are missing: python3 -m venv {ENVIRONMENT} && \
             {ENVIRONMENT}/bin/pip install -r {FOLDER}/requirements.txt"
        )
    })?;
    finish(program(&python).arg(root().join(FOLDER)).arg(gligen()?))
}
