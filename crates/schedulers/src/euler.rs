//! Euler's method on the noise level σ (arXiv 2206.00364, algorithm 1 without its second-order correction or churn).
//!
//! Here a sample is x = x₀ + σ ε, so dx/dσ = ε:
//! ```text
//! x' = x + (σ' − σ) · ε̂
//! ```

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Stride};
use crate::noise_schedule::DefaultBetas;
use crate::{FinalSigmas, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "euler";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    config.own_choice(NAME, "interpolation_type", &[("linear", ())], &[])?;
    config.own_choice(NAME, "timestep_type", &[("discrete", ())], &[])?;
    let levels = Exploding::from_config(config, NAME, DefaultBetas::DDPM)?;
    Ok(Box::new(Euler { levels: levels.ending_at(config.final_sigmas_type.unwrap_or(FinalSigmas::Zero)) }))
}

#[derive(Debug)]
struct Euler {
    levels: Exploding,
}

impl Scheduler for Euler {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        Ok(levels.plan(levels.strides().map(Stride::euler).collect()).begin())
    }
}
