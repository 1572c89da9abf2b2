//! `gligen man`

use std::path::PathBuf;

use clap::Command;

use crate::failure::Failure;
use crate::report;

/// Write the manual pages into a folder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An existing folder
    folder: PathBuf,
}

pub(crate) fn run(args: &Args, command: Command) -> Result<(), Failure> {
    clap_mangen::generate_to(command, &args.folder).map_err(|source| Failure::file(&args.folder, source))?;
    report::result(args.folder.join("gligen.1").display())
}
