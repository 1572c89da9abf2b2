//! The one thread that draws: on its own, so that a long evaluation never keeps connections waiting.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use gligen_pipeline::{
    Error, LAYOUT_KEYWORD, LatentPreview, Layout, Output, PARAMETERS_KEYWORD, Pipeline, Plan, Progress,
    parameters, write_png,
};
use tokio::sync::watch;

use crate::data_url;
use crate::job::{Finished, FinishedImage, Job, Running, State, Work, now};
use crate::problem::Problem;
use crate::queue::Queue;

/// Previews come no faster than this.
const PREVIEW_INTERVAL: Duration = Duration::from_millis(120);

/// The longest text that our own reader takes from a PNG file.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Draws the jobs of a queue.
pub(crate) struct Worker {
    pub(crate) pipeline: Pipeline,
    pub(crate) preview: Option<LatentPreview>,
    pub(crate) model_name: String,
    pub(crate) queue: Arc<Queue>,
}

impl Worker {
    /// Draws until the queue is closed; what is sent into `done` says that it is.
    pub(crate) fn run(self, done: &watch::Sender<bool>) {
        while let Some(job) = self.queue.next() {
            // A bug in a network fails its job, not all later ones.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.outcome(&job)));
            let broken =
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the model stopped in the middle of it");
            self.queue.finish(&job, outcome.unwrap_or(State::Failed(broken)));
        }
        done.send_replace(true);
    }

    fn outcome(&self, job: &Job) -> State {
        let Some(work) = job.take_work() else { return State::Cancelled };
        match self.draw(job, &work) {
            Ok(finished) => State::Done(Arc::new(finished)),
            Err(Error::Cancelled { .. }) => State::Cancelled,
            Err(error) => State::Failed(error.into()),
        }
    }

    fn draw(&self, job: &Job, work: &Work) -> Result<Finished, Error> {
        let (started, clock) = (now(), Instant::now());
        let mut running = Running { started, step: 0, of: work.plan.steps, eta_s: None, preview: None };
        let mut warnings = Vec::new();
        let mut last_preview: Option<Instant> = None;
        job.set(State::Running(running.clone()));
        let output = self.pipeline.run(&work.plan, |progress| {
            match progress {
                Progress::Warning(warning) => warnings.push(warning.to_string()),
                Progress::Step { step, of, latents } => {
                    self.queue.metrics.evaluated();
                    let seconds = clock.elapsed().as_secs_f64() / step as f64 * (of - step) as f64;
                    (running.step, running.of) = (step, of);
                    running.eta_s = Some((seconds * 10.0).round() / 10.0);
                    if last_preview.is_none_or(|last| last.elapsed() >= PREVIEW_INTERVAL)
                        && let Some(preview) = &self.preview
                    {
                        let urls =
                            preview.pictures(latents).iter().filter_map(data_url::of_picture).collect();
                        running.preview = Some(Arc::new(urls));
                        last_preview = Some(Instant::now());
                    }
                    job.set(State::Running(running.clone()));
                }
                _ => {}
            }
            if job.is_unwanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let images = (0..output.images.len())
            .map(|index| self.finish_image(&work.layout, &work.plan, &output, index))
            .collect::<Result<_, _>>()?;
        Ok(Finished { images, warnings, started, completed: now() })
    }

    fn finish_image(
        &self,
        layout: &Layout,
        plan: &Plan,
        output: &Output,
        index: usize,
    ) -> Result<FinishedImage, Error> {
        let layout = layout.of_picture(plan, index);
        let mut texts = vec![(PARAMETERS_KEYWORD, parameters(&layout, &self.model_name))];
        let json = layout.to_json();
        let fits = json.len() <= MAX_TEXT_BYTES;
        if fits {
            texts.insert(0, (LAYOUT_KEYWORD, json));
        }
        let mut png = Vec::new();
        let file_error = |source| Error::File { path: "the picture".into(), source };
        write_png(&mut png, &output.images[index], &texts).map_err(file_error)?;
        Ok(FinishedImage {
            png: png.into(),
            seed: output.seeds[index],
            withheld: output.withheld[index],
            layout: fits.then_some(layout),
        })
    }
}
