//! The one door for chores: `cargo xtask TASK`, one file a task.
//!
//! The tasks that need the networks (`make-model`, parts of `bench`) run the package `gligen-bench`, so that this
//! one builds in seconds.

#![forbid(unsafe_code)]

mod bench;
mod build_cuda;
mod ci;
mod clients;
mod convert_weights;
mod fixtures;
mod load;
mod make_model;
mod measurement;
mod miri;
mod page;
mod process;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a task returns; its error is shown to a developer as it is.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Chores of the GLIGEN workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Ci(ci::Arguments),
    /// Check what the compiler does not: openings and lengths of files, names of modules, who leans on whom
    Tidy,
    Fixtures(fixtures::Arguments),
    MakeModel(make_model::Arguments),
    ConvertWeights(convert_weights::Arguments),
    Bench(bench::Arguments),
    BuildCuda(build_cuda::Arguments),
    Page(page::Arguments),
    Clients(clients::Arguments),
    Load(load::Arguments),
    Miri(miri::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Fixtures(arguments) => fixtures::run(&arguments),
        Task::MakeModel(arguments) => make_model::run(&arguments),
        Task::ConvertWeights(arguments) => convert_weights::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::BuildCuda(arguments) => build_cuda::run(&arguments),
        Task::Page(arguments) => page::run(&arguments),
        Task::Clients(arguments) => clients::run(&arguments),
        Task::Load(arguments) => load::run(&arguments),
        Task::Miri(arguments) => miri::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
