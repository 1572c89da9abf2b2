//! `gligen layout`: layouts without drawing pictures of them.

mod draw;
mod import;

use crate::failure::Failure;

/// Take over a layout of another program, or look at one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(import::Args),
    Draw(draw::Args),
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Draw(args) => draw::run(args),
    }
}
