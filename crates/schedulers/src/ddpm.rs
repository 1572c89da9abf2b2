//! DDPM: ancestral sampling of a denoising diffusion model (arXiv 2006.11239).
//!
//! Equations 6 and 7, with s for the timestep of the run that follows t, and β = 1 − ᾱ_t / ᾱ_s:
//! ```text
//! x_s = (√ᾱ_s · β / (1 − ᾱ_t)) · x̂₀ + (√(ᾱ_t / ᾱ_s) · (1 − ᾱ_s) / (1 − ᾱ_t)) · x_t + √variance · z,   z ~ N(0, 1)
//! variance = β · (1 − ᾱ_s) / (1 − ᾱ_t)   (fixed_small)   or   β   (fixed_large)
//! ```

use crate::clipping::Clipping;
use crate::linear::{Combination, Plan, Predicted, Step};
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::timesteps::Timesteps;
use crate::{
    PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError, TimestepSpacing,
};

pub(crate) const NAME: &str = "ddpm";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    // The logarithm of `fixed_small_log` changes no number.
    let variances = [
        ("fixed_small", Posterior::Small),
        ("fixed_small_log", Posterior::Small),
        ("fixed_large", Posterior::Large),
    ];
    let schedule = NoiseSchedule::from_config(config, DefaultBetas::DDPM)?;
    Ok(Box::new(Ddpm {
        timesteps: Timesteps::from_config(config, TimestepSpacing::Leading, schedule.len())?,
        posterior: config.own_choice(NAME, "variance_type", &variances, &[])?.unwrap_or(Posterior::Small),
        prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
        clipping: Clipping::from_config(config, true)?,
        schedule,
    }))
}

/// The variance of a step: right if x₀ is one certain picture, or if it is noise itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Posterior {
    Small,
    Large,
}

#[derive(Debug)]
struct Ddpm {
    schedule: NoiseSchedule,
    timesteps: Timesteps,
    posterior: Posterior,
    prediction: PredictionType,
    clipping: Clipping,
}

impl Scheduler for Ddpm {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let timesteps = self.timesteps.whole(options.steps_within(NAME, 1, self.schedule.len())?)?;
        let steps = timesteps.iter().enumerate().map(|(index, &t)| {
            let level = self.schedule.level_seen(t, self.prediction, NAME)?;
            let alpha_next = timesteps.get(index + 1).map_or(1.0, |&s| self.schedule.alpha(s));
            let mut step = self.step(self.schedule.alpha(t), alpha_next);
            if t == 0 {
                step.fresh.clear();
            }
            Ok(Step::at(t as f64, level, step))
        });
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(Plan::preserving(steps, Predicted::Clean, self.prediction, self.clipping).begin())
    }
}

impl Ddpm {
    fn step(&self, alpha: f64, alpha_next: f64) -> Combination {
        // In f32 as the reference has it: 1 − ᾱ_t / ᾱ_s cancels digits, and which ones are left can be seen.
        let (alpha, alpha_next) = (alpha as f32, alpha_next as f32);
        let kept = alpha / alpha_next;
        let (beta, noise, noise_next) = (1.0 - kept, 1.0 - alpha, 1.0 - alpha_next);
        let variance = match self.posterior {
            Posterior::Small => (noise_next / noise * beta).max(1e-20),
            Posterior::Large => beta,
        };
        Combination {
            keep: f64::from(kept.sqrt() * noise_next / noise),
            outputs: vec![f64::from(alpha_next.sqrt() * beta / noise)],
            fresh: vec![f64::from(variance.sqrt())],
        }
    }
}
