//! `gligen completions`

use clap::Command;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::report;

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, command: &mut Command) -> Result<(), Failure> {
    let mut script = Vec::new(); // a closed pipe would be a panic in there
    clap_complete::generate(args.shell, command, "gligen", &mut script);
    report::written(std::io::Write::write_all(&mut std::io::stdout().lock(), &script))
}
