//! One client, and what it does with its job.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Answer, events, send};
use super::service::Service;

/// What a client does with its job.
#[derive(Clone, Copy)]
pub(crate) enum Habit {
    /// Waits for the picture on one connection.
    Waits,
    /// Hands in a job, follows its events and fetches the picture.
    Follows,
    /// Hands in a job and cancels it at once, which mostly still waits then.
    CancelsAtOnce,
    /// Cancels a job that is being drawn.
    CancelsLater,
    /// Goes away without a word after so many milliseconds.
    Vanishes(u64),
}

/// What a client saw of one request.
pub(crate) enum Seen {
    /// A picture.
    Drawn(Drawn),
    /// No place; after so many seconds it may try again.
    Refused { after_s: u64, took: Duration },
    /// Its job was cancelled, as it wished.
    Cancelled,
    /// Nothing: it went away before there was an answer.
    Vanished,
    /// Something that must not be.
    Wrong(String),
}

/// When a job came in and was begun, in seconds since 1970 by the server's clock, and how long its client waited.
pub(crate) struct Drawn {
    pub(crate) created: f64,
    pub(crate) started: f64,
    pub(crate) took: Duration,
}

/// Steps of a picture that somebody waits for.
const STEPS: usize = 4;

/// More steps than anybody lets pass who means to go away.
const MANY_STEPS: usize = 250;

const ASYNC: &str = "Prefer: respond-async\r\n";

impl Habit {
    /// The habit of the client `index`: of twenty, twelve wait, five follow and three do not stay.
    pub(crate) fn of(index: usize) -> Self {
        match index % 20 {
            3 => Self::CancelsAtOnce,
            9 => Self::CancelsLater,
            15 => Self::Vanishes([200, 800, 3200][index / 20 % 3]),
            0 | 4 | 8 | 12 | 16 => Self::Follows,
            _ => Self::Waits,
        }
    }

    /// One request, to its end.
    pub(crate) fn ask_once(self, service: &Service) -> Seen {
        let seen = match self {
            Self::Waits => wait(service),
            Self::Follows => follow(service),
            Self::CancelsAtOnce => cancel(service, false),
            Self::CancelsLater => cancel(service, true),
            Self::Vanishes(after) => vanish(service, Duration::from_millis(after)),
        };
        seen.unwrap_or_else(|error| Seen::Wrong(error.to_string()))
    }
}

fn layout(steps: usize) -> String {
    json!({
        "prompt": "a cat and a red apple on a light blue background",
        "objects": [
            {"phrase": "a cat", "box": [0.06, 0.3, 0.5, 0.9]},
            {"phrase": "a red apple", "box": [0.6, 0.42, 0.9, 0.72]},
        ],
        "steps": steps,
        "seed": 7,
    })
    .to_string()
}

fn wait(service: &Service) -> io::Result<Seen> {
    let asked = Instant::now();
    let answer = service.ask("POST", "/v1/generate", "", &layout(STEPS))?;
    match answer.status {
        200 => {
            let job = answer.json();
            match job["result"]["images"][0]["b64_json"].as_str() {
                Some(png) if png.starts_with("iVBOR") => drawn(&job, asked),
                _ => Ok(Seen::Wrong(format!("an answer without a picture: {job}"))),
            }
        }
        _ => Ok(refused(&answer, asked)),
    }
}

fn follow(service: &Service) -> io::Result<Seen> {
    let asked = Instant::now();
    let id = match submit(service, STEPS)? {
        Ok(id) => id,
        Err(seen) => return Ok(seen),
    };
    let (name, job) = events(listen(service, &id)?, is_end)?;
    let picture = job["result"]["images"][0]["url"].as_str().map(|url| service.get(url)).transpose()?;
    match picture {
        Some(picture) if picture.status == 200 => drawn(&job, asked),
        _ => Ok(Seen::Wrong(format!("a job ended with `{name}`: {job}"))),
    }
}

fn cancel(service: &Service, once_it_runs: bool) -> io::Result<Seen> {
    let id = match submit(service, MANY_STEPS)? {
        Ok(id) => id,
        Err(seen) => return Ok(seen),
    };
    if once_it_runs {
        events(listen(service, &id)?, |name| name == "progress" || is_end(name))?;
    }
    let answer = service.ask("DELETE", &format!("/v1/jobs/{id}"), "", "")?;
    let (name, _) = events(listen(service, &id)?, is_end)?;
    Ok(match (answer.status, name.as_str()) {
        (200, "cancelled") => Seen::Cancelled,
        (status, name) => Seen::Wrong(format!("a job to be cancelled: {status}, then `{name}`")),
    })
}

fn vanish(service: &Service, after: Duration) -> io::Result<Seen> {
    let asked = Instant::now();
    let stream = send(service.address, "POST", "/v1/generate", "", &layout(MANY_STEPS))?;
    stream.set_read_timeout(Some(after))?;
    match stream.peek(&mut [0]) {
        Ok(_) => Ok(refused(&Answer::read(stream)?, asked)),
        Err(error) if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) => {
            Ok(Seen::Vanished)
        }
        Err(error) => Err(error),
    }
}

/// Hands in a job; gives its id, or what was seen instead.
fn submit(service: &Service, steps: usize) -> io::Result<Result<String, Seen>> {
    let asked = Instant::now();
    let answer = service.ask("POST", "/v1/generate", ASYNC, &layout(steps))?;
    Ok(match (answer.status, answer.json()["id"].as_str()) {
        (202, Some(id)) => Ok(id.into()),
        _ => Err(refused(&answer, asked)),
    })
}

fn listen(service: &Service, id: &str) -> io::Result<std::net::TcpStream> {
    send(service.address, "GET", &format!("/v1/jobs/{id}/events"), "", "")
}

fn is_end(name: &str) -> bool {
    ["done", "failed", "cancelled"].contains(&name)
}

fn drawn(job: &Value, asked: Instant) -> io::Result<Seen> {
    let time = |name: &str| job[name].as_f64().ok_or_else(|| io::Error::other(format!("no `{name}`: {job}")));
    Ok(Seen::Drawn(Drawn { created: time("created")?, started: time("started")?, took: asked.elapsed() }))
}

/// A refusal, if it is one that a client can live with: 503 or 429, in words, and with a time to come back.
fn refused(answer: &Answer, asked: Instant) -> Seen {
    let after_s = answer.header("retry-after").and_then(|text| text.parse().ok());
    match (answer.status, after_s) {
        (503 | 429, Some(after_s)) if answer.json()["detail"].is_string() => {
            Seen::Refused { after_s, took: asked.elapsed() }
        }
        (status, _) => Seen::Wrong(format!("{status}, Retry-After {after_s:?}: {}", answer.text())),
    }
}
