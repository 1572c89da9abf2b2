//! `cargo xtask miri`: the kernels' `unsafe` under the eyes of Miri.

use std::process::Command;

use crate::Result;
use crate::process::{output, program, run as finish};

/// The compiler whose Miri is known to do it: another may lack an instruction that the kernels use.
const TOOLCHAIN: &str = "nightly-2026-05-20";

/// What is not our doing: the queues of rayon's threads keep memory, turn pointers into numbers, and break the rules
/// of Stacked Borrows, but not those of Tree Borrows.
const FLAGS: &str = "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks";

/// Miri believes in the instructions that it is told of; of these it knows nearly all that the kernels use.
const INSTRUCTIONS: &str =
    if cfg!(target_arch = "x86_64") { "-C target-feature=+avx2,+fma,+avx512f" } else { "" };

/// Run the kernels' own tests in Miri, which sees each access to memory and each race of threads that is not allowed
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// A toolchain with Miri [default: the one that is named in xtask/src/miri.rs]
    #[arg(long, value_name = "NAME")]
    toolchain: Option<String>,
    /// Draws other shapes, and lets the threads take other turns
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Only tests with this in their names
    filter: Option<String>,
}

/// Builds and runs the tests; says what is missing, and installs nothing.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let toolchain = arguments.toolchain.as_deref().unwrap_or(TOOLCHAIN);
    output(miri(toolchain).arg("--version")).map_err(|error| {
        format!(
            "{error}; there is no Miri here: \
             rustup toolchain install {toolchain} --profile minimal --component miri --component rust-src"
        )
    })?;
    let mut test = miri(toolchain);
    test.args("test --package gligen-kernels --lib --".split(' ')).args(&arguments.filter);
    test.env("MIRIFLAGS", format!("{FLAGS} -Zmiri-seed={}", arguments.seed)).env("RUSTFLAGS", INSTRUCTIONS);
    finish(&mut test)
}

/// `cargo miri` of `toolchain`, which is not the cargo that runs this program.
fn miri(toolchain: &str) -> Command {
    let mut miri = program("rustup");
    miri.args(["run", toolchain, "cargo", "miri"]).env_remove("CARGO");
    miri
}
