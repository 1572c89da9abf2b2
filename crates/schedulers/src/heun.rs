//! Heun's method on the noise level σ (arXiv 2206.00364, algorithm 1): Euler's step, then the same again with the mean
//! of the slopes at both its ends. The last step, to a level where there is no noise to predict, is Euler's alone.
//!
//! ```text
//! x̃ = x + (σ' − σ) · ε̂(x, σ)
//! x' = x + (σ' − σ) · (ε̂(x, σ) + ε̂(x̃, σ')) / 2
//! ```

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Levels};
use crate::linear::{Combination, Plan, Start, Step};
use crate::noise_schedule::DefaultBetas;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "heun";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["thresholding"])?;
    Ok(Box::new(Heun {
        levels: Exploding::from_config(config, NAME, DefaultBetas::LATENT)?,
        clipping: Clipping::from_config(config, false)?,
    }))
}

#[derive(Debug)]
struct Heun {
    levels: Exploding,
    clipping: Clipping,
}

impl Scheduler for Heun {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        Ok(Plan { clipping: self.clipping, ..levels.plan(steps(&levels)) }.begin())
    }
}

fn steps(levels: &Levels) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut strides = levels.strides().peekable();
    while let Some(stride) = strides.next() {
        steps.push(stride.euler());
        if let Some(next) = strides.peek() {
            let half = (stride.to - stride.from) / 2.0;
            let again = Combination::deterministic(1.0, [half, half]);
            steps.push(Step { start: Start::Before, ..next.step(again) });
        }
    }
    steps
}
