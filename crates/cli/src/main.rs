//! `gligen`: say what goes where, get the picture.

#![forbid(unsafe_code)]

mod adapters;
mod amounts;
mod completions;
mod computing;
mod convert;
mod devices;
mod failure;
mod generate;
mod input;
mod inspect;
mod interrupt;
mod known_things;
mod latents_file;
mod layout;
mod man;
mod metadata;
mod model_source;
mod objects;
mod output_path;
mod overlay;
mod previews;
mod progress;
mod pull;
mod report;
mod schedulers;
mod seen_from;
mod serve;
mod sheet;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::Failure;

/// Draws pictures in which the named things stand in the named boxes
#[derive(Debug, Parser)]
#[command(name = "gligen", version = report::version(), max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Try: gligen generate --prompt \"a cat on a white background\" --phrase \"a cat\" --box 0.1,0.2,0.9,0.9"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(Box<generate::Args>),
    Serve(serve::Args),
    Inspect(inspect::Args),
    Convert(convert::Args),
    Pull(pull::Args),
    Devices(devices::Args),
    Schedulers(schedulers::Args),
    Metadata(metadata::Args),
    Layout(layout::Args),
    Completions(completions::Args),
    Man(man::Args),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((failure, json)) => report::failure(&failure, json),
    }
}

/// Does what the arguments say; a failure comes with whether it shall be told in JSON.
fn run() -> Result<(), (Failure, bool)> {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let cli = Cli::try_parse().map_err(|error| (Failure::Usage(error), wants_json))?;
    let result = match cli.command {
        Command::Generate(args) => generate::run(*args),
        Command::Serve(args) => serve::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Convert(args) => convert::run(args),
        Command::Pull(args) => pull::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Schedulers(args) => schedulers::run(&args),
        Command::Metadata(args) => metadata::run(&args),
        Command::Layout(args) => layout::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    };
    result.map_err(|failure| (failure, wants_json))
}
