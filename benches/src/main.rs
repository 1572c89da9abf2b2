//! Our side of `cargo xtask bench`, and the random checkpoints that it runs on.
//!
//! ```text
//! make-model   configs of the published shape ─▶ modules, empty ─▶ names and shapes ─▶ random numbers ─▶ a folder
//! picture      the built-in model's default picture ────────────┐
//! layers       single layers at the sizes of Stable Diffusion   │
//! full         the stages of a full-size model                  ├▶ {"what": …, "unit": …, "value": …}, one a line
//! text-image   what one that takes pictures has more ───────────┘
//! growth       its UNet at other sizes, beside its laws ────────▶ {"case": …, "seconds": …, …}, one a line
//! ```
//!
//! `reference.py` beside it times the same things under the same names; `cargo xtask bench` puts them side by side.

#![forbid(unsafe_code)]

mod clock;
mod full_size;
mod growth;
mod layers;
mod make_model;
mod operations;
mod picture;
mod random;
mod sizes;
mod text_image;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gligen_components::BoxError;
use gligen_pipeline::Memory;

#[derive(Parser)]
#[command(name = "gligen-bench", about = "Random checkpoints, and our side of the benchmarks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write a checkpoint with random weights in the published layout
    MakeModel {
        #[arg(long, default_value = "sd14")]
        size: sizes::Size,
        #[arg(long, default_value = "f16")]
        dtype: make_model::Precision,
        /// The folder to make
        out: PathBuf,
    },
    /// Time the default picture of the built-in model, drawn over and over
    Picture,
    /// Time single layers at the sizes of Stable Diffusion, two pictures at once
    Layers,
    /// Time the stages of a model at its own size, two pictures at once
    Full {
        /// A model folder
        model: PathBuf,
        /// Memory for its weights: `fast`, `balanced` or `small`
        #[arg(long, default_value_t)]
        memory: Memory,
    },
    /// Time the image encoder and a whole step of a model that takes pictures of objects
    TextImage {
        /// A model folder
        model: PathBuf,
    },
    /// How the cost of an evaluation of the UNet grows with size, objects, samples and threads
    Growth {
        /// A model folder
        model: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::MakeModel { size, dtype, out } => make_model::write(size, dtype, &out).map(|parts| {
            for part in parts {
                println!("{part}");
            }
        }),
        Task::Picture => picture::time(),
        Task::Layers => layers::time().map_err(BoxError::from),
        Task::Full { model, memory } => full_size::time(&model, memory),
        Task::TextImage { model } => text_image::time(&model),
        Task::Growth { model } => growth::time(&model),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
