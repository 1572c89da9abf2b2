//! `cargo xtask bench`: ours and the reference, turn by turn on this machine.
//!
//! ```text
//! parts ─▶ programs, each with its turn in every round ─▶ Record ─┬▶ table, docs/performance.md, README.md
//!                                                                 ├▶ target/bench/last.json, benches/runs
//!                                                                 └▶ target/bench/last.svg
//! ```

mod bounds;
mod docs;
mod measurement;
mod plot;
mod record;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::process::{self, program, root};
use crate::{Result, make_model};
use measurement::measure;
use record::{Contender, Record, Turn};

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

/// What all parts use.
struct Session {
    python: PathBuf,
    models: PathBuf,
}

impl Session {
    /// Lets each contender have its turn, in another order each round.
    fn round(&self, part: Part, round: u8, record: &mut Record) -> Result {
        let mut contenders = Contender::ALL;
        contenders.rotate_left(usize::from(round) % Contender::ALL.len());
        let turns = contenders.map(|contender| Turn { part, contender, round });
        match part {
            Part::Full => self.stages("full", &self.model("sd14")?, &turns, record),
            Part::TextImage => self.stages("text-image", &self.model("sd14-text-image")?, &turns, record),
            Part::Layers => turns.iter().try_for_each(|&turn| {
                self.programs(turn, "layers", |command| measured(command, turn, record).map(drop))
            }),
            Part::Picture => {
                turns.iter().try_for_each(|&turn| {
                    self.programs(turn, "picture", |command| {
                        let is_ours = turn.contender == Contender::Ours;
                        command.args((!is_ours).then_some("fixtures/tiny-gligen"));
                        measured(command, turn, record).map(drop)
                    })
                })?;
                turns.iter().try_for_each(|&turn| self.processes(turn, record))
            }
            Part::Memory => turns.iter().try_for_each(|&turn| self.memory(turn, record)),
            Part::Growth if round == 0 => {
                let mut command = program(root().join("target/release/gligen-bench"));
                let rows = measure(command.arg("growth").arg(self.model("sd14")?))?.lines;
                record.set_growth(rows);
                Ok(())
            }
            Part::Growth => Ok(()),
        }
    }

    /// A full-size model by the name of its size.
    fn model(&self, size: &str) -> Result<PathBuf> {
        let model = self.models.join(size);
        if !model.exists() {
            make_model::make(size, "f16", &model)?;
        }
        Ok(model)
    }

    /// Stages of a full-size model, and the process that they make up.
    fn stages(&self, task: &str, model: &Path, turns: &[Turn], record: &mut Record) -> Result {
        let name = if task == "full" { "full size" } else { "full size with pictures" };
        turns.iter().try_for_each(|&turn| {
            self.programs(turn, task, |command| {
                let run = measured(command.arg(model), turn, record)?;
                record.add(turn, &format!("{name}, whole process"), "s", run.seconds);
                record.add(turn, &format!("{name}, whole process, peak memory"), "MB", run.resident_mb);
                Ok(())
            })
        })
    }

    /// The program of this turn's contender that measures itself.
    fn programs(&self, turn: Turn, task: &str, run: impl FnOnce(&mut Command) -> Result) -> Result {
        let mut command = match turn.contender {
            Contender::Ours => program(root().join("target/release/gligen-bench")),
            _ => self.reference(),
        };
        command.arg(task);
        command.args((turn.contender == Contender::ReferenceChannelsLast).then_some("--channels-last"));
        run(&mut command)
    }

    fn reference(&self) -> Command {
        let mut command = program(&self.python);
        command.arg("benches/reference.py");
        command
    }

    /// Whole processes: the picture as a user gets it, and one of a single step, most of which is the start.
    fn processes(&self, turn: Turn, record: &mut Record) -> Result {
        for steps in ["30", "1"] {
            let mut command = match turn.contender {
                Contender::Ours => our_picture(steps),
                Contender::Reference => self.reference_picture(Path::new("fixtures/tiny-gligen"), steps),
                // The default picture is so small that its layout changes nothing beside the start.
                Contender::ReferenceChannelsLast => return Ok(()),
            };
            let what = format!("built-in model, {steps} step{}", if steps == "1" { "" } else { "s" });
            whole_process(&mut command, turn, &what, record)?;
        }
        Ok(())
    }

    fn memory(&self, turn: Turn, record: &mut Record) -> Result {
        const CHOICES: [&str; 3] = ["fast", "balanced", "small"];
        let model = self.model("sd14")?;
        let what = |memory: &str| format!("picture of 512×512, one step, `--memory {memory}`");
        match turn.contender {
            Contender::Ours => CHOICES.iter().try_for_each(|memory| {
                let mut command = our_picture("1");
                command.arg("--model").arg(&model).args(["--memory", memory]);
                command.args(["--guidance-scale", "4", "--scheduled-sampling-beta", "1"]);
                whole_process(&mut command, turn, &what(memory), record)
            }),
            Contender::Reference => {
                let run = watched(&mut self.reference_picture(&model, "1"), turn)?;
                for memory in CHOICES {
                    add_process(&run, turn, &what(memory), record);
                }
                Ok(())
            }
            Contender::ReferenceChannelsLast => Ok(()),
        }
    }

    fn reference_picture(&self, model: &Path, steps: &str) -> Command {
        let mut command = self.reference();
        command.arg("process").arg(model).args(["--steps", steps]);
        command
    }

    /// What a number needs beside it to be understood.
    fn circumstances(&self, rounds: u8) -> Result<Value> {
        let versions = "import torch, diffusers, transformers as t; \
                        print(torch.__version__, diffusers.__version__, t.__version__, torch.get_num_threads())";
        Ok(json!({
            "date": line_of(Command::new("date").arg("+%F"))?,
            "commit": line_of(program("git").args(["describe", "--always", "--dirty"]))?,
            "rustc": line_of(program("rustc").arg("--version"))?,
            "torch, diffusers, transformers, threads of torch": line_of(program(&self.python).args(["-c", versions]))?,
            "processor": processor(),
            "cores": std::thread::available_parallelism()?.get(),
            "rounds": rounds,
        }))
    }
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

/// Time and memory of a process that tells nothing itself.
fn whole_process(command: &mut Command, turn: Turn, what: &str, record: &mut Record) -> Result {
    add_process(&watched(command, turn)?, turn, what, record);
    Ok(())
}

fn add_process(run: &measurement::Run, turn: Turn, what: &str, record: &mut Record) {
    record.add(turn, what, "s", run.seconds);
    record.add(turn, &format!("{what}, peak memory"), "MB", run.resident_mb);
}

fn watched(command: &mut Command, turn: Turn) -> Result<measurement::Run> {
    let run = measure(command)?;
    eprintln!("round {}, {}: {:.1} s", turn.round + 1, turn.contender.name(), run.seconds);
    Ok(run)
}

/// Runs a program that times itself, and adds what it tells.
fn measured(command: &mut Command, turn: Turn, record: &mut Record) -> Result<measurement::Run> {
    let run = watched(command, turn)?;
    for line in &run.lines {
        let (Some(what), Some(unit), Some(value)) =
            (line["what"].as_str(), line["unit"].as_str(), line["value"].as_f64())
        else {
            return Err(format!("no `what`, `unit` and `value` in {line}").into());
        };
        record.add(turn, what, unit, value);
    }
    Ok(run)
}

/// The first line that `command` prints.
fn line_of(command: &mut Command) -> Result<String> {
    Ok(process::output(command)?.lines().next().unwrap_or_default().to_owned())
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
