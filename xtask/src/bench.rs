//! `cargo xtask bench`: ours and the reference, turn by turn on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::measurement::{Run, measure};
use crate::process::{self, program, root};
use crate::record::{Contender, Record};
use crate::{Result, make_model};

/// Measure ours and the reference, turn by turn on this machine, and print the ratios
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this part
    #[arg(long)]
    only: Option<Part>,
    /// How often each contender has its turn (the full-size model: once)
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The full-size model [default: target/bench/sd14, made if it is not there]
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// A Python with fixtures/make/requirements.txt installed [default: $GLIGEN_PYTHON, else python3]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Keep the raw numbers in benches/runs/DATE.json
    #[arg(long)]
    record: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The default picture of the built-in model, from the command to the file
    Picture,
    /// Single layers at the sizes of Stable Diffusion
    Layers,
    /// The stages of a full-size model at 512×512 in f32, and its memory
    Full,
}

/// Runs the parts, prints the table and writes the raw numbers.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let python = process::python(arguments.python.as_deref());
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder)?;
    make_model::build_programs()?;

    let mut record = Record::default();
    let chosen = arguments.only.as_ref().map(std::slice::from_ref);
    for part in chosen.unwrap_or(Part::value_variants()) {
        match part {
            Part::Picture => pictures(&mut record, &python, arguments.rounds)?,
            Part::Layers => layers(&mut record, &python, arguments.rounds)?,
            Part::Full => {
                let model = arguments.model.clone().unwrap_or_else(|| folder.join("sd14"));
                if !model.exists() {
                    make_model::make("sd14", "f16", &model)?;
                }
                full_size(&mut record, &python, &model)?;
            }
        }
    }

    println!("{}", record.table());
    let json = record.json(arguments.rounds, &python)?;
    let text = serde_json::to_string_pretty(&json)? + "\n";
    fs::write(folder.join("last.json"), &text)?;
    if arguments.record {
        let date = json["date"].as_str().unwrap_or("undated");
        fs::create_dir_all(root().join("benches/runs"))?;
        let path = root().join(format!("benches/runs/{date}.json"));
        fs::write(&path, &text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("raw numbers: benches/runs/{date}.json");
    }
    Ok(())
}

/// Whole processes: the picture as a user gets it, and one of a single step, most of which is the start.
fn pictures(record: &mut Record, python: &Path, rounds: usize) -> Result {
    for round in 0..rounds {
        for steps in ["30", "1"] {
            let what = format!("built-in model, {steps} step{}", if steps == "1" { "" } else { "s" });
            let ours = our_picture(steps);
            let mut theirs = reference(python, "picture", Contender::Reference);
            theirs.args(["fixtures/tiny-gligen", "--steps", steps]);
            for (contender, mut command) in [(Contender::Ours, ours), (Contender::Reference, theirs)] {
                let run = watched(&mut command, contender, round)?;
                record.add(&what, "s", contender, round, run.seconds);
                record.add(&format!("{what}, peak memory"), "MB", contender, round, run.resident_mb);
            }
        }
    }
    Ok(())
}

/// The layout that benches/reference.py draws too.
fn our_picture(steps: &str) -> Command {
    let mut command = program(root().join("target/release/gligen"));
    command.args(["generate", "--quiet", "--compat", "diffusers", "--seed", "0", "--steps", steps]);
    command.args(["--prompt", "a cat and a red apple on a light blue background"]);
    command.args(["--phrase", "a cat", "--box", "0.05,0.30,0.50,0.90"]);
    command.args(["--phrase", "a red apple", "--box", "0.60,0.40,0.90,0.70"]);
    command.args(["--output", "target/bench/ours.png"]);
    command
}

fn layers(record: &mut Record, python: &Path, rounds: usize) -> Result {
    for round in 0..rounds {
        for contender in Contender::ALL {
            let mut command = match contender {
                Contender::Ours => ours("layers"),
                _ => reference(python, "layers", contender),
            };
            add_lines(record, contender, round, &watched(&mut command, contender, round)?)?;
        }
    }
    Ok(())
}

fn full_size(record: &mut Record, python: &Path, model: &Path) -> Result {
    for contender in Contender::ALL {
        let mut command = match contender {
            Contender::Ours => ours("full"),
            _ => reference(python, "full", contender),
        };
        let run = watched(command.arg(model), contender, 0)?;
        add_lines(record, contender, 0, &run)?;
        record.add("full size, whole process", "s", contender, 0, run.seconds);
        record.add("full size, peak memory", "MB", contender, 0, run.resident_mb);
        record.add("full size, peak memory without mapped files", "MB", contender, 0, run.anonymous_mb);
    }
    Ok(())
}

fn ours(part: &str) -> Command {
    let mut command = program(root().join("target/release/gligen-bench"));
    command.arg(part);
    command
}

fn reference(python: &Path, part: &str, contender: Contender) -> Command {
    let mut command = program(python);
    command.args(["benches/reference.py", part]);
    command.args((contender == Contender::ReferenceChannelsLast).then_some("--channels-last"));
    command
}

fn watched(command: &mut Command, contender: Contender, round: usize) -> Result<Run> {
    let run = measure(command)?;
    eprintln!("round {}, {}: {:.1} s", round + 1, contender.name(), run.seconds);
    Ok(run)
}

/// What the program timed by itself.
fn add_lines(record: &mut Record, contender: Contender, round: usize, run: &Run) -> Result {
    for line in &run.lines {
        let (Some(what), Some(seconds)) = (line["what"].as_str(), line["seconds"].as_f64()) else {
            return Err(format!("neither `what` nor `seconds` in {line}").into());
        };
        record.add(what, "s", contender, round, seconds);
    }
    Ok(())
}
