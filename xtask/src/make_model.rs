//! `cargo xtask make-model`: a random checkpoint in the published layout.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::process::{self, cargo, program, root};

/// Write a checkpoint with random weights in the published layout, for work on memory and speed
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `sd14`, `sd14-text-image`: the published shapes; `tiny`: a few kilobytes of the same build
    #[arg(long, default_value = "sd14")]
    size: String,
    /// `f16`, `bf16` or `f32`
    #[arg(long, default_value = "f16")]
    dtype: String,
    /// The folder to make
    out: PathBuf,
}

/// Runs `gligen-bench make-model`, which knows the networks.
pub(crate) fn run(arguments: &Arguments) -> Result {
    // A relative path means the folder that the user stands in.
    let out = std::env::current_dir()?.join(&arguments.out);
    make(&arguments.size, &arguments.dtype, &out)
}

/// Makes a model of `size` in the folder `out`.
pub(crate) fn make(size: &str, dtype: &str, out: &Path) -> Result {
    build_programs()?;
    let mut command = program(root().join("target/release/gligen-bench"));
    process::run(command.args(["make-model", "--size", size, "--dtype", dtype]).arg(out))
}

/// Builds `gligen` and `gligen-bench` for release. Alone, the second would ask for other features of what Burn stands
/// on, and compile all of it again.
pub(crate) fn build_programs() -> Result {
    process::run(&mut cargo("build --release -p gligen-cli -p gligen-bench"))
}
