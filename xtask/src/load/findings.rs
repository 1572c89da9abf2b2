//! What came of a storm: figures to read, and what must hold.

use std::fmt;
use std::time::{Duration, Instant};

use super::Storm;
use super::client::{Drawn, Habit, Seen};
use super::service::Service;
use crate::Result;

/// How much more memory the server may have taken in the storm than with one client: results are kept, and
/// connections have buffers.
const MAX_GROWTH_MB: f64 = 64.0;

/// What the server may still be busy with after the last answer: a job whose client has just vanished.
const TIME_TO_SETTLE: Duration = Duration::from_secs(5);

/// Times are given to the millisecond.
const CLOCK: f64 = 0.0015;

/// Figures, and whether what must hold does.
pub(crate) struct Findings {
    figures: Vec<(&'static str, String)>,
    checks: Vec<(&'static str, std::result::Result<(), String>)>,
}

impl Findings {
    /// Of what was seen in `storm`, and of what the server, which had a peak of `before` MB till then, says now.
    pub(crate) fn of(service: &Service, storm: &Storm, before: f64) -> Result<Self> {
        let is_idle = settles(service)?;
        let after = service.peak_mb()?;
        let (mut drawn, mut refused, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        let (mut cancelled, mut vanished) = (0, 0);
        for seen in &storm.seen {
            match seen {
                Seen::Drawn(job) => drawn.push(job),
                Seen::Refused { after_s, took } => refused.push((*after_s, *took)),
                Seen::Cancelled => cancelled += 1,
                Seen::Vanished => vanished += 1,
                Seen::Wrong(what) => wrong.push(what.as_str()),
            }
        }
        let in_order = first_come_first_served(&drawn);
        let a_second = |count: usize| count as f64 / storm.seconds;
        let figures = vec![
            ("clients", storm.clients.to_string()),
            ("one at a time", format!("{:.1} jobs a second", storm.capacity)),
            ("asked for", format!("{}, {:.1} a second", storm.seen.len(), a_second(storm.seen.len()))),
            ("drawn", format!("{}, {:.1} a second", drawn.len(), a_second(drawn.len()))),
            ("waited for a picture", spread(drawn.iter().map(|job| job.took))),
            ("refused", refused.len().to_string()),
            ("waited for a refusal", spread(refused.iter().map(|(_, took)| *took))),
            ("told to come back after", seconds(&refused)),
            ("cancelled, vanished", format!("{cancelled}, {vanished}")),
            ("GET /healthz", spread(storm.health.iter().copied())),
            ("peak memory", format!("{before:.0} MB with one client, {after:.0} MB in the storm")),
        ];

        // Those of the measurement before the storm are over, too.
        let over = service.metric("gligen_jobs_total{status=\"completed\"}")?;
        let given_up = service.metric("gligen_jobs_total{status=\"cancelled\"}")?;
        let expect = |holds: bool, otherwise: String| if holds { Ok(()) } else { Err(otherwise) };
        let checks = vec![
            (
                "every request is answered: a picture, or no with a time to come back",
                expect(wrong.is_empty(), some(&wrong)),
            ),
            (
                "it was too much for it",
                expect(refused.len() > drawn.len(), format!("{} refused", refused.len())),
            ),
            ("first come, first served", in_order),
            (
                "no job is drawn that nobody waits for",
                expect(over == super::ALONE + drawn.len(), format!("{over} drawn")),
            ),
            (
                "those who cancel or vanish end their job",
                expect(given_up == cancelled + vanished, format!("{given_up} ended")),
            ),
            ("and free its place: nothing is left in the queue", expect(is_idle, "jobs are left".into())),
            (
                "the next one is drawn",
                expect(matches!(Habit::Waits.ask_once(service), Seen::Drawn(_)), "it is not".into()),
            ),
            (
                "memory has a bound",
                expect(after - before <= MAX_GROWTH_MB, format!("{:.0} MB more", after - before)),
            ),
        ];
        Ok(Self { figures, checks })
    }

    pub(crate) fn all_hold(&self) -> bool {
        self.checks.iter().all(|(_, outcome)| outcome.is_ok())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, figure) in &self.figures {
            writeln!(f, "{what:26}{figure}")?;
        }
        for (what, outcome) in &self.checks {
            match outcome {
                Ok(()) => writeln!(f, "ok      {what}")?,
                Err(found) => writeln!(f, "FAILED  {what}: {found}")?,
            }
        }
        Ok(())
    }
}

/// Whether the server has nothing to do any more, now or soon.
fn settles(service: &Service) -> Result<bool> {
    let start = Instant::now();
    loop {
        if service.metric("gligen_jobs_waiting")? + service.metric("gligen_jobs_running")? == 0 {
            return Ok(true);
        }
        if start.elapsed() > TIME_TO_SETTLE {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// No job was begun before one that came earlier.
fn first_come_first_served(drawn: &[&Drawn]) -> std::result::Result<(), String> {
    let mut jobs = drawn.to_vec();
    jobs.sort_by(|a, b| a.created.total_cmp(&b.created));
    let overtaken =
        |pair: &&[&Drawn]| pair[1].started + CLOCK < pair[0].started && pair[1].created > pair[0].created;
    match jobs.windows(2).find(overtaken) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "the job of {:.3} was begun at {:.3}, after the one of {:.3}",
            pair[0].created, pair[0].started, pair[1].created
        )),
    }
}

/// Median, 99th of a hundred, and most.
fn spread(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<_> = times.collect();
    times.sort();
    let Some(most) = times.last() else { return "never".into() };
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    format!("median {}, 99 % within {}, at most {}", shown(at(0.5)), shown(at(0.99)), shown(*most))
}

fn shown(time: Duration) -> String {
    match time {
        Duration::MAX => "no answer".into(),
        _ => format!("{:.1} ms", time.as_secs_f64() * 1e3),
    }
}

fn seconds(refused: &[(u64, Duration)]) -> String {
    let seconds = || refused.iter().map(|(after_s, _)| after_s);
    match (seconds().min(), seconds().max()) {
        (Some(least), Some(most)) if least == most => format!("{least} s"),
        (Some(least), Some(most)) => format!("{least} to {most} s"),
        _ => "never".into(),
    }
}

/// How many, and the first few of them.
fn some(wrong: &[&str]) -> String {
    let first: Vec<_> = wrong.iter().take(5).copied().collect();
    format!("{} are not: {}", wrong.len(), first.join("; "))
}
