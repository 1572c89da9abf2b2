//! Which programs have their turns in which part, and what is taken down of each.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Part;
use super::record::{Contender, Record, Turn};
use crate::measurement::{Run, measure};
use crate::process::{self, program, root};
use crate::{Result, make_model};

/// The model that is compiled in.
const BUILT_IN: &str = "fixtures/tiny-gligen";

/// What all parts use.
pub(super) struct Session {
    pub(super) python: PathBuf,
    /// The folder of the full-size models.
    pub(super) models: PathBuf,
}

impl Session {
    /// Lets each contender have its turn, in another order each round.
    pub(super) fn round(&self, part: Part, round: u8, record: &mut Record) -> Result {
        let mut contenders = Contender::ALL;
        contenders.rotate_left(usize::from(round) % Contender::ALL.len());
        for contender in contenders {
            let turn = Turn { part, contender, round };
            match part {
                Part::Full => self.stages(turn, "full", "sd14", record)?,
                Part::TextImage => self.stages(turn, "text-image", "sd14-text-image", record)?,
                Part::Picture => {
                    self.pictures(turn, record)?;
                    self.processes(turn, record)?;
                }
                Part::Memory => self.memory(turn, record)?,
                Part::Layers => drop(measured(&mut self.timing_itself(turn, "layers"), turn, record)?),
                Part::Growth if round == 0 && contender == Contender::Ours => {
                    let mut command = self.timing_itself(turn, "growth");
                    let run = watched(command.arg(self.model("sd14")?), turn, record)?;
                    record.set_growth(run.lines);
                }
                Part::Growth => {}
            }
        }
        Ok(())
    }

    /// A full-size model by the name of its size, its files read once, so that nobody's turn waits for the disk.
    fn model(&self, size: &str) -> Result<PathBuf> {
        let model = self.models.join(size);
        if !model.exists() {
            make_model::make(size, "f16", &model)?;
        }
        for folder in model.read_dir()?.map(|entry| entry.map(|entry| entry.path())) {
            let folder = folder?;
            for file in folder.is_dir().then(|| folder.read_dir()).transpose()?.into_iter().flatten() {
                std::io::copy(&mut std::fs::File::open(file?.path())?, &mut std::io::sink())?;
            }
        }
        Ok(model)
    }

    /// Stages of the full-size model of `size`, and the process that they make up.
    fn stages(&self, turn: Turn, task: &str, size: &str, record: &mut Record) -> Result {
        let run = measured(self.timing_itself(turn, task).arg(self.model(size)?), turn, record)?;
        add_process(&run, turn, &format!("{size}, whole process"), record);
        Ok(())
    }

    /// Pictures of the built-in model inside one process.
    fn pictures(&self, turn: Turn, record: &mut Record) -> Result {
        let mut command = self.timing_itself(turn, "picture");
        command.args((turn.contender != Contender::Ours).then_some(BUILT_IN));
        measured(&mut command, turn, record).map(drop)
    }

    /// The program of this turn's contender that times what it does by itself.
    fn timing_itself(&self, turn: Turn, task: &str) -> Command {
        let mut command = match turn.contender {
            Contender::Ours => program(root().join("target/release/gligen-bench")),
            _ => self.reference(),
        };
        command.arg(task);
        command.args((turn.contender == Contender::ReferenceChannelsLast).then_some("--channels-last"));
        command
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
                Contender::Reference => self.reference_picture(Path::new(BUILT_IN), steps),
                // Nearly all of it is the start, whatever the layout.
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
        let what = |memory: &str| format!("512×512, one step, `--memory {memory}`");
        match turn.contender {
            Contender::Ours => CHOICES.iter().try_for_each(|memory| {
                let mut command = our_picture("1");
                command.arg("--model").arg(&model).args(["--memory", memory]);
                command.args(["--guidance-scale", "4", "--scheduled-sampling-beta", "1"]);
                whole_process(&mut command, turn, &what(memory), record)
            }),
            Contender::Reference => {
                let run = watched(&mut self.reference_picture(&model, "1"), turn, record)?;
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
    pub(super) fn circumstances(&self, rounds: u8) -> Result<Value> {
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
    add_process(&watched(command, turn, record)?, turn, what, record);
    Ok(())
}

fn add_process(run: &Run, turn: Turn, what: &str, record: &mut Record) {
    record.add(turn, what, "s", run.seconds);
    record.add(turn, &format!("{what}, peak memory"), "MB", run.resident_mb);
}

/// Runs `command` in its turn, and tells how that went.
fn watched(command: &mut Command, turn: Turn, record: &mut Record) -> Result<Run> {
    /// Seconds below which the system's clock is too coarse to tell whose time it was.
    const LONG: f64 = 2.0;
    let run = measure(command)?;
    let who = turn.contender.name();
    eprint!("round {}, {who}: {:.1} s", turn.round + 1, run.seconds);
    if run.seconds >= LONG {
        record.add_others(turn, run.others);
        eprint!(", others took {:.0} % of the processor", 100.0 * run.others);
    }
    eprintln!();
    Ok(run)
}

/// Runs a program that times itself, and adds what it tells.
fn measured(command: &mut Command, turn: Turn, record: &mut Record) -> Result<Run> {
    let run = watched(command, turn, record)?;
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
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
