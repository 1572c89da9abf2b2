//! Throws mangled files at everything that reads one, and looks for panics, for memory and for time.
//!
//! ```text
//! seeds (fixtures) ─▶ mutator ─▶ target ─▶ outcome: what was read, or the words of the error
//!        ▲                                     │
//!        └──────── inputs with an outcome that was not seen before ┘
//! ```
//!
//! As `cargo fuzz` does it, but on a stable compiler: instead of the branches of the program, the words of its errors tell
//! whether an input got somewhere new. A run is repeated exactly by its seed.
//!
//! ```text
//! cargo run -p gligen-fuzz -- all --runs 1000000
//! cargo run -p gligen-fuzz -- pickle --seed 7
//! ```

#![forbid(unsafe_code)]

mod archive;
mod measure;
mod mutator;
mod targets;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::measure::peak_memory;
use crate::mutator::Mutator;
use crate::targets::{TARGETS, Target};

/// Inputs that are kept because their outcome was new.
const MAX_CORPUS: usize = 4096;

/// What one input may take, and what the whole process may.
const MAX_TIME: Duration = Duration::from_secs(5);
const MAX_MEMORY: u64 = 1 << 30;

/// Throw mangled files at everything that reads one
#[derive(Parser)]
struct Arguments {
    /// What to throw them at, or `all`
    target: String,
    /// How many
    #[arg(long, default_value_t = 100_000)]
    runs: u64,
    /// Where the mutator begins
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { target, runs, seed } = Arguments::parse();
    let chosen: Vec<_> = TARGETS.iter().filter(|t| target == "all" || target == t.name).collect();
    if chosen.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|t| t.name).collect();
        eprintln!("error: no target `{target}`: expected all, {}", names.join(", "));
        return ExitCode::from(2);
    }
    // Told with the input that caused it.
    std::panic::set_hook(Box::new(|_| {}));
    for target in chosen {
        if let Err(problem) = fuzz(target, runs, seed) {
            eprintln!("error: {}: {problem}", target.name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Throws `runs` inputs at `target`, its seeds first; the first that it does not survive is kept.
fn fuzz(target: &Target, runs: u64, seed: u64) -> Result<(), String> {
    let mut corpus = (target.seeds)();
    let mut seeds = corpus.clone().into_iter();
    let mut mutator = Mutator::new(seed, target.words);
    let mut outcomes = HashSet::new();
    let (mut read, mut slowest) = (0u64, Duration::ZERO);
    let started = Instant::now();
    for run in 0..runs {
        let input = seeds.next().unwrap_or_else(|| mutator.mutate(&corpus));
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = start.elapsed();
        slowest = slowest.max(took);
        let outcome = outcome.map_err(|panic| {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            format!("run {run}: panicked: {message}; {}", keep(target, &input))
        })?;
        if took > MAX_TIME {
            return Err(format!("run {run}: took {:.1} s; {}", took.as_secs_f64(), keep(target, &input)));
        }
        if run % 256 == 0 && peak_memory() > MAX_MEMORY {
            return Err(format!(
                "before run {run}: memory beyond {MAX_MEMORY} bytes; {}",
                keep(target, &input)
            ));
        }
        read += u64::from(outcome.is_ok());
        if outcomes.insert(words(&outcome.unwrap_or_else(|error| error))) && corpus.len() < MAX_CORPUS {
            corpus.push(input);
        }
    }
    println!(
        "{}: {runs} runs in {:.0} s, {read} read, {} outcomes, slowest {:.1} ms, peak memory {} MiB",
        target.name,
        started.elapsed().as_secs_f64(),
        outcomes.len(),
        slowest.as_secs_f64() * 1e3,
        peak_memory() >> 20,
    );
    Ok(())
}

/// What an outcome says, without the numbers and names of this one input.
fn words(outcome: &str) -> String {
    let mut quoted = false;
    outcome
        .chars()
        .filter(|&c| {
            quoted ^= matches!(c, '`' | '"');
            !quoted && c.is_ascii_alphabetic()
        })
        .take(160)
        .collect()
}

/// Puts `input` into a file, and says where.
fn keep(target: &Target, input: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("gligen-fuzz-{}-{}", target.name, std::process::id()));
    match std::fs::write(&path, input) {
        Ok(()) => format!("the input is kept in {}", path.display()),
        Err(error) => format!("the input cannot be kept in {}: {error}", path.display()),
    }
}
