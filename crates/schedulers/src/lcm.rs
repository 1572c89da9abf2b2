//! LCM: latent consistency models (arXiv 2310.04378), which find the clean sample in one evaluation, and refine it by
//! adding noise and finding it again.
//!
//! The consistency function f, and the multistep sampling of consistency models (arXiv 2303.01469, algorithm 1), with s
//! for the timestep that follows t and σ_data = ½:
//! ```text
//! f = c_skip · x_t + c_out · x̂₀,   c_skip = σ_data² / ((k t)² + σ_data²),   c_out = k t / √((k t)² + σ_data²)
//! x_s = √ᾱ_s · f + √(1 − ᾱ_s) · z,   z ~ N(0, 1)
//! ```
//! k is `timestep_scaling`. The last f is the result.

use crate::clipping::Clipping;
use crate::linear::{Combination, Plan, Predicted, Step};
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::prediction::Level;
use crate::{PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "lcm";

const SIGMA_DATA: f64 = 0.5;

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    let schedule = NoiseSchedule::from_config(config, DefaultBetas::LATENT_SCALED)?;
    let original_steps = config.own("original_inference_steps")?.unwrap_or(50);
    if !(1..=schedule.len()).contains(&original_steps) {
        let expected = format!("expected 1 to num_train_timesteps, {}", schedule.len());
        return Err(SchedulerError::wrong_value("original_inference_steps", original_steps, expected));
    }
    Ok(Box::new(Lcm {
        schedule,
        original_steps,
        timestep_scaling: config.own("timestep_scaling")?.unwrap_or(10.0),
        prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
        clipping: Clipping::from_config(config, false)?,
    }))
}

#[derive(Debug)]
struct Lcm {
    schedule: NoiseSchedule,
    /// Steps of the sampler that the model was distilled from: a run visits some of its timesteps.
    original_steps: usize,
    timestep_scaling: f64,
    prediction: PredictionType,
    clipping: Clipping,
}

impl Scheduler for Lcm {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let timesteps = self.timesteps(options.steps_within(NAME, 1, self.original_steps)?);
        let steps = timesteps.iter().enumerate().map(|(index, &t)| {
            let level = self.schedule.level_seen(t, self.prediction, NAME)?;
            let next = timesteps.get(index + 1).map(|&s| self.schedule.level(s));
            Ok(Step::at(t as f64, level, self.step(t, next)))
        });
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(Plan::preserving(steps, Predicted::Clean, self.prediction, self.clipping).begin())
    }
}

impl Lcm {
    /// From the last timestep of training down, equally spaced among those of the original sampler.
    fn timesteps(&self, steps: usize) -> Vec<usize> {
        let stride = self.schedule.len() / self.original_steps;
        let skipped = (0..steps).map(|i| (i as f64 * (self.original_steps as f64 / steps as f64)) as usize);
        skipped.map(|skipped| (self.original_steps - skipped) * stride - 1).collect()
    }

    fn step(&self, timestep: usize, next: Option<Level>) -> Combination {
        let scaled = timestep as f64 * self.timestep_scaling;
        let norm = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
        let (skip, out) = (SIGMA_DATA * SIGMA_DATA / norm, scaled / norm.sqrt());
        let signal = next.map_or(1.0, |level| level.signal);
        Combination {
            keep: signal * skip,
            outputs: vec![signal * out],
            fresh: next.iter().map(|level| level.noise).collect(),
        }
    }
}
