//! DPM2: the midpoint method on the noise level σ, with the midpoint in ln σ.
//!
//! After DPM-Solver-2 (arXiv 2206.00927, algorithm 1), as k-diffusion has it (`sample_dpm_2`), for x = x₀ + σ ε:
//! ```text
//! x̃ = x + (σ_mid − σ) · ε̂(x, σ),   σ_mid = √(σ σ')
//! x' = x + (σ' − σ) · ε̂(x̃, σ_mid)
//! ```
//! The last step, to a level without a logarithm, is Euler's.

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Stride};
use crate::linear::{Combination, Step};
use crate::noise_schedule::DefaultBetas;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "dpm2";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    let levels = Exploding::from_config(config, NAME, DefaultBetas::LATENT)?;
    Ok(Box::new(Dpm2 { levels: levels.with_whole_timesteps_for_karras() }))
}

#[derive(Debug)]
struct Dpm2 {
    levels: Exploding,
}

impl Scheduler for Dpm2 {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        Ok(levels.plan(levels.strides().flat_map(|stride| self.steps(stride)).collect()).begin())
    }
}

impl Dpm2 {
    fn steps(&self, stride: Stride) -> Vec<Step> {
        if stride.to == 0.0 {
            return vec![stride.euler()];
        }
        let middle = (stride.from * stride.to).sqrt();
        let ahead = Combination::deterministic(1.0, [middle - stride.from]);
        let whole = Combination::deterministic(1.0, [stride.to - stride.from]);
        vec![stride.step(ahead), self.levels.by_way_of(middle, stride, whole)]
    }
}
