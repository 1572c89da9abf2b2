//! DPM-Solver++ for the reverse stochastic differential equation, in two stages (arXiv 2211.01095; as k-diffusion has
//! it, `sample_dpmpp_sde`).
//!
//! For x = x₀ + σ ε, with σ_down and σ_up of a step from σ to σ_to as in `euler_ancestral.rs`:
//! ```text
//! x_to = (σ_down / σ) · x + (1 − σ_down / σ) · x̂₀ + σ_up · (W(σ) − W(σ_to)) / √(σ − σ_to)
//! ```
//! done to the middle first, σ_mid = √(σ σ'), with x̂₀ of x; then to σ', from x again, with x̂₀ of x_mid.
//!
//! W is one Brownian path over the noise levels, so both stages see the same noise between σ and σ_mid. Its
//! increments where levels do not overlap are independent: a step draws one for each of its halves.

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Stride, ancestral};
use crate::linear::{Combination, Plan, Predicted, Step};
use crate::noise_schedule::DefaultBetas;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "dpmpp-sde";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    config.refuse_own(NAME, "noise_sampler_seed", "null is: the noise comes from the seed of the run")?;
    Ok(Box::new(DpmppSde { levels: Exploding::from_config(config, NAME, DefaultBetas::LATENT)? }))
}

#[derive(Debug)]
struct DpmppSde {
    levels: Exploding,
}

impl Scheduler for DpmppSde {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        let steps = levels.strides().flat_map(|stride| self.steps(stride)).collect();
        Ok(Plan { predicted: Predicted::Clean, ..levels.plan(steps) }.begin())
    }
}

impl DpmppSde {
    fn steps(&self, stride: Stride) -> Vec<Step> {
        let Stride { from, to, .. } = stride;
        if to == 0.0 {
            return vec![stride.step(Combination::deterministic(0.0, [1.0]))];
        }
        let middle = (from * to).sqrt();
        // How much of the noise of the whole step comes from each half, the second drawn last.
        let halves = [middle - to, from - middle].map(|half| (half / (from - to)).sqrt());
        let stage = |to: f64, shares: &[f64]| {
            let (down, up) = ancestral(from, to);
            Combination {
                keep: down / from,
                outputs: vec![1.0 - down / from],
                fresh: shares.iter().map(|share| share * up).collect(),
            }
        };
        vec![stride.step(stage(middle, &[1.0])), self.levels.by_way_of(middle, stride, stage(to, &halves))]
    }
}
