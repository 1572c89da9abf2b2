//! `cargo xtask convert-weights`: `gligen convert`, built first.

use std::ffi::OsString;
use std::process::Command;

use crate::Result;
use crate::process::{self, cargo, root};

/// Turn a checkpoint of any layout into another one: IN OUT --to diffusers|adapter|single-file and the flags of `gligen
/// convert`
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What `gligen convert` takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Builds `gligen` and runs it, in the folder that the user stands in.
pub(crate) fn run(arguments: &Arguments) -> Result {
    process::run(&mut cargo("build --release -p gligen-cli"))?;
    let mut command = Command::new(root().join("target/release/gligen"));
    process::run(command.arg("convert").args(&arguments.arguments))
}
