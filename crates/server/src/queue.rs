//! The jobs that wait, the one that is drawn, and those whose results are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::job::{Job, State, Work};
use crate::metrics::Metrics;
use crate::problem::Problem;

/// The most bytes of results that are kept, however young they are.
const MAX_KEPT_BYTES: usize = 256 << 20;

/// How many forgotten jobs are remembered by name, to tell them from those that never were.
const MAX_FORGOTTEN: usize = 10_000;

/// All jobs of a server. First come, first served.
pub(crate) struct Queue {
    capacity: usize,
    keep_results: Duration,
    pub(crate) metrics: Metrics,
    jobs: Mutex<Jobs>,
    /// Told when a job arrives and when the queue closes.
    news: Condvar,
}

#[derive(Default)]
struct Jobs {
    known: HashMap<String, Arc<Job>>,
    waiting: VecDeque<Arc<Job>>,
    running: Option<Arc<Job>>,
    /// Those that are over, the oldest first, with the bytes that each takes.
    over: VecDeque<(Instant, String, usize)>,
    kept_bytes: usize,
    forgotten: VecDeque<String>,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize, keep_results: Duration) -> Self {
        Self {
            capacity,
            keep_results,
            metrics: Metrics::default(),
            jobs: Mutex::default(),
            news: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses at once what [`Queue::submit`] would refuse now.
    pub(crate) fn check_place(&self) -> Result<(), Problem> {
        self.place_in(&self.lock())
    }

    fn place_in(&self, jobs: &Jobs) -> Result<(), Problem> {
        if jobs.is_closed {
            return Err(Problem::shutting_down());
        }
        if jobs.waiting.len() < self.capacity || (jobs.running.is_none() && jobs.waiting.is_empty()) {
            return Ok(());
        }
        let detail = format!("the queue is full: {} jobs wait", jobs.waiting.len());
        let seconds = self.metrics.mean_seconds().ceil() as u64;
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .hint("try again later, or start the server with a larger --queue")
            .retry_after(seconds.clamp(1, 600)))
    }

    /// Takes in a job, if there is a place for it.
    pub(crate) fn submit(&self, work: Work) -> Result<Arc<Job>, Problem> {
        let mut jobs = self.lock();
        self.place_in(&jobs).inspect_err(|_| self.metrics.refused())?;
        let job = Arc::new(Job::new(work));
        jobs.known.insert(job.id.clone(), job.clone());
        jobs.waiting.push_back(job.clone());
        jobs.tell_positions();
        self.news.notify_one();
        Ok(job)
    }

    /// The next job to draw: waits for one, and gives none once the queue is closed.
    pub(crate) fn next(&self) -> Option<Arc<Job>> {
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                jobs.running = Some(job.clone());
                jobs.tell_positions();
                return Some(job);
            }
            if jobs.is_closed {
                return None;
            }
            jobs = self.news.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts down how the job that was drawn has ended.
    pub(crate) fn finish(&self, job: &Job, outcome: State) {
        let mut jobs = self.lock();
        jobs.running = None;
        self.end(&mut jobs, job, outcome);
        jobs.tell_positions();
    }

    fn end(&self, jobs: &mut Jobs, job: &Job, outcome: State) {
        let bytes = if let State::Done(finished) = &outcome { finished.bytes() } else { 0 };
        self.metrics.ended(&outcome);
        job.take_work();
        job.set(outcome);
        jobs.over.push_back((Instant::now(), job.id.clone(), bytes));
        jobs.kept_bytes += bytes;
        self.forget_in(jobs);
    }

    /// Stops a job: one that waits at once, one that runs after the evaluation in hand.
    pub(crate) fn cancel(&self, job: &Arc<Job>) {
        let mut jobs = self.lock();
        job.unwant();
        if let Some(index) = jobs.waiting.iter().position(|waiting| Arc::ptr_eq(waiting, job)) {
            jobs.waiting.remove(index);
            self.end(&mut jobs, job, State::Cancelled);
            jobs.tell_positions();
        }
    }

    /// The job called `id`.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Job>, Problem> {
        let mut jobs = self.lock();
        self.forget_in(&mut jobs);
        if let Some(job) = jobs.known.get(id) {
            return Ok(job.clone());
        }
        Err(match jobs.forgotten.iter().any(|forgotten| forgotten == id) {
            true => Problem::new(StatusCode::GONE, "this job's result is no longer kept"),
            false => Problem::new(StatusCode::NOT_FOUND, "no such job"),
        })
    }

    /// Drops results that were kept long enough.
    pub(crate) fn forget(&self) {
        self.forget_in(&mut self.lock());
    }

    fn forget_in(&self, jobs: &mut Jobs) {
        while let Some((ended, _, _)) = jobs.over.front() {
            // The youngest stays, whatever it takes: somebody waits for it.
            let is_too_much = jobs.kept_bytes > MAX_KEPT_BYTES && jobs.over.len() > 1;
            if ended.elapsed() < self.keep_results && !is_too_much {
                return;
            }
            if let Some((_, id, bytes)) = jobs.over.pop_front() {
                jobs.kept_bytes -= bytes;
                jobs.known.remove(&id);
                jobs.forgotten.push_back(id);
            }
            if jobs.forgotten.len() > MAX_FORGOTTEN {
                jobs.forgotten.pop_front();
            }
        }
    }

    /// Takes in no more jobs, and gives up those that wait; the running one goes on.
    pub(crate) fn close(&self) {
        let mut jobs = self.lock();
        jobs.is_closed = true;
        for job in std::mem::take(&mut jobs.waiting) {
            self.end(&mut jobs, &job, State::Failed(Problem::shutting_down()));
        }
        self.news.notify_all();
    }

    /// The job that is drawn now.
    pub(crate) fn running(&self) -> Option<Arc<Job>> {
        self.lock().running.clone()
    }

    /// Jobs that wait, and those that are drawn.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        let jobs = self.lock();
        (jobs.waiting.len(), usize::from(jobs.running.is_some()))
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }
}

impl Jobs {
    fn tell_positions(&self) {
        let running = usize::from(self.running.is_some());
        for (index, job) in self.waiting.iter().enumerate() {
            job.set(State::Queued { position: running + index });
        }
    }
}
