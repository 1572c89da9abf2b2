//! What the server counts, as OpenMetrics text.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::job::State;

/// Counters since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    completed: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
    evaluations: AtomicU64,
    pictures: AtomicU64,
    milliseconds: AtomicU64,
}

impl Metrics {
    /// A job is over.
    pub(crate) fn ended(&self, outcome: &State) {
        let counter = match outcome {
            State::Done(finished) => {
                let milliseconds = (finished.completed - finished.started) * 1e3;
                self.milliseconds.fetch_add(milliseconds as u64, Ordering::Relaxed);
                self.pictures.fetch_add(finished.images.len() as u64, Ordering::Relaxed);
                &self.completed
            }
            State::Cancelled => &self.cancelled,
            _ => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// There was no place for a job.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// One evaluation of the network is done.
    pub(crate) fn evaluated(&self) {
        self.evaluations.fetch_add(1, Ordering::Relaxed);
    }

    /// Seconds that a job took on average; 0 before the first.
    pub(crate) fn mean_seconds(&self) -> f64 {
        let completed = self.completed.load(Ordering::Relaxed).max(1);
        self.milliseconds.load(Ordering::Relaxed) as f64 / 1e3 / completed as f64
    }

    /// The text, with the jobs that wait and those that are drawn now.
    pub(crate) fn text(&self, waiting: usize, running: usize, capacity: usize) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(&str, f64)]| {
            let _ = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {help}");
            for (suffix, value) in samples {
                let _ = writeln!(text, "{name}{suffix} {value}");
            }
        };
        let jobs = [
            ("_total{status=\"completed\"}", read(&self.completed) as f64),
            ("_total{status=\"failed\"}", read(&self.failed) as f64),
            ("_total{status=\"cancelled\"}", read(&self.cancelled) as f64),
        ];
        family("gligen_jobs", "counter", "Jobs that are over.", &jobs);
        let counter = |counter| [("_total", read(counter) as f64)];
        family("gligen_jobs_refused", "counter", "Jobs without a place.", &counter(&self.refused));
        family("gligen_evaluations", "counter", "Evaluations of the UNet.", &counter(&self.evaluations));
        family("gligen_pictures", "counter", "Pictures made.", &counter(&self.pictures));
        let seconds =
            [("_count", read(&self.completed) as f64), ("_sum", read(&self.milliseconds) as f64 / 1e3)];
        family("gligen_job_seconds", "summary", "Time that completed jobs took.", &seconds);
        family("gligen_jobs_waiting", "gauge", "Jobs in the queue.", &[("", waiting as f64)]);
        family("gligen_jobs_running", "gauge", "Jobs being drawn.", &[("", running as f64)]);
        family("gligen_queue_capacity", "gauge", "Places in the queue.", &[("", capacity as f64)]);
        text + "# EOF\n"
    }
}
