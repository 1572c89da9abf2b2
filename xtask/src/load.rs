//! `cargo xtask load`: many clients at a server that cannot keep up, and what must hold all the same.
//!
//! ```text
//! Service ─ alone ─▶ jobs a second ─▶ the storm: 200 clients, 4 times as many ─▶ Storm, what they saw ─▶ findings
//! ```

mod client;
mod findings;
mod http;
mod service;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::{cargo, root, run as finish};
use client::{Habit, Seen};
use findings::Findings;
use service::Service;

/// Jobs before the storm.
const ALONE: usize = 21;

/// Drive a release build of `gligen serve` with more than it can do; fails if a job is lost, or memory has no bound
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many clients
    #[arg(long, value_name = "N", default_value_t = 200)]
    clients: usize,
    /// How long
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// Requests in so many times what the server can answer
    #[arg(long, value_name = "X", default_value_t = 4.0)]
    times: f64,
    /// The program [default: built here]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

/// What the storm was, and what was seen of it.
struct Storm {
    clients: usize,
    /// From its first request to its last answer.
    seconds: f64,
    /// Jobs a second that the server does with one client at a time.
    capacity: f64,
    seen: Vec<Seen>,
    /// Times that `GET /healthz` took meanwhile.
    health: Vec<Duration>,
}

/// Runs the storm, prints what came of it, and fails if one of the [`Findings`] does not hold.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => built()?,
    };
    let service = Service::start(&program)?;
    let capacity = capacity(&service)?;
    let before = service.peak_mb()?;
    let storm = storm(&service, arguments, capacity);
    let findings = Findings::of(&service, &storm, before)?;
    print!("{findings}");
    if findings.all_hold() { Ok(()) } else { Err("not all of it holds".into()) }
}

fn built() -> Result<PathBuf> {
    finish(&mut cargo("build --release -p gligen-cli"))?;
    Ok(root().join("target/release/gligen"))
}

/// Jobs a second, [`ALONE`] of them one after the other; the first one, which touches the weights, is not counted.
fn capacity(service: &Service) -> Result<f64> {
    let mut start = Instant::now();
    for job in 0..ALONE {
        if let Seen::Wrong(what) = Habit::Waits.ask_once(service) {
            return Err(what.into());
        }
        if job == 0 {
            start = Instant::now();
        }
    }
    Ok((ALONE - 1) as f64 / start.elapsed().as_secs_f64())
}

/// Each client asks at its own beats, spread evenly; one that still waits for an answer leaves a beat out.
fn storm(service: &Service, arguments: &Arguments, capacity: f64) -> Storm {
    let clients = arguments.clients;
    let period = Duration::from_secs_f64(clients as f64 / (arguments.times * capacity));
    let (seen, health) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let end = start + Duration::from_secs(arguments.seconds);
    let client = |index: usize| {
        let habit = Habit::of(index);
        let mut beat = start + period.mul_f64(index as f64 / clients as f64);
        while beat < end {
            std::thread::sleep(beat.saturating_duration_since(Instant::now()));
            let outcome = habit.ask_once(service);
            seen.lock().expect("no client panics").push(outcome);
            beat = (beat + period).max(Instant::now());
        }
    };
    let watch_health = || {
        while !is_over.load(Ordering::Relaxed) {
            let asked = Instant::now();
            let is_well = matches!(service.get("/healthz"), Ok(answer) if answer.status == 200);
            let took = if is_well { asked.elapsed() } else { Duration::MAX };
            health.lock().expect("nobody panics").push(took);
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(watch_health);
        std::thread::scope(|scope| {
            for index in 0..clients {
                scope.spawn(move || client(index));
            }
        });
        is_over.store(true, Ordering::Relaxed);
    });
    let seconds = start.elapsed().as_secs_f64();
    let unlocked = "all threads have ended";
    Storm {
        clients,
        seconds,
        capacity,
        seen: seen.into_inner().expect(unlocked),
        health: health.into_inner().expect(unlocked),
    }
}
