//! `cargo xtask bench`: ours and the reference, turn by turn on this machine.
//!
//! ```text
//! parts ─▶ programs, each with its turn in every round ─▶ Record ─┬▶ table, docs/performance.md, README.md
//!                                                                 ├▶ target/bench/last.json, benches/runs
//!                                                                 └▶ target/bench/last.svg
//! ```

mod bounds;
mod docs;
mod plot;
mod record;
mod session;
mod table;

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::process::{self, root};
use crate::{Result, make_model};
use record::Record;
use session::Session;

/// Measure ours and the reference, turn by turn on this machine, and print the ratios
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this part (repeatable); of the others target/bench/last.json keeps what was measured before
    #[arg(long)]
    only: Vec<Part>,
    /// How often each contender has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Where the full-size models are, made if they are not there [default: target/bench]
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// A Python with fixtures/make/requirements.txt installed [default: $GLIGEN_PYTHON, else python3]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Keep the raw numbers in benches/runs/DATE.json, and write tables and plot into the documents
    #[arg(long)]
    record: bool,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Part {
    /// The stages of a full-size model at 512×512
    Full,
    /// CLIP's image encoder, and a step of a full-size model that takes pictures of objects
    TextImage,
    /// The default picture of the built-in model, from the command to the file and inside one process
    Picture,
    /// Memory of a 512×512 picture of one step, for each --memory
    Memory,
    /// Single layers at the sizes of Stable Diffusion
    Layers,
    /// How an evaluation of the full-size UNet grows; ours alone, once, about five minutes
    Growth,
}

/// Runs the parts, prints the table and writes what was found.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder)?;
    make_model::build_programs()?;
    let session = Session {
        python: process::python(arguments.python.as_deref()),
        // The programs run in the root; a relative path means the folder that the user stands in.
        models: std::path::absolute(arguments.models.as_ref().unwrap_or(&folder))?,
    };
    let raw = folder.join("last.json");
    let mut record = fs::read_to_string(&raw).ok().and_then(|text| Record::read(&text)).unwrap_or_default();
    let parts = if arguments.only.is_empty() { Part::value_variants() } else { &arguments.only };
    for &part in parts {
        record.begin(part, session.circumstances(arguments.rounds)?);
        for round in 0..arguments.rounds {
            session.round(part, round, &mut record)?;
        }
        // Whatever comes after, this part is kept.
        fs::write(&raw, serde_json::to_string_pretty(&record.json())? + "\n")?;
        fs::write(folder.join("last.svg"), plot::svg(&record))?;
    }
    println!("{}\n{}", table::table(&record), table::growth(&record));
    if arguments.record { docs::write(&record) } else { Ok(()) }
}
