//! DDIM: denoising diffusion implicit models (arXiv 2010.02502).
//!
//! Equation 12, with ᾱ where the paper writes α, and s for the timestep that follows t:
//! ```text
//! x_s = √ᾱ_s · x̂₀ + √(1 − ᾱ_s − σ²) · ε̂ + σ · z,   z ~ N(0, 1)
//! σ   = η · √((1 − ᾱ_s) / (1 − ᾱ_t)) · √(1 − ᾱ_t / ᾱ_s)          (equation 16)
//! ```

use burn::Tensor;

use crate::clipping::Clipping;
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::prediction::Level;
use crate::timesteps::Timesteps;
use crate::{
    NoiseSource, PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError,
    TimestepSpacing,
};

pub(crate) const NAME: &str = "ddim";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    let schedule = NoiseSchedule::from_config(config, DefaultBetas::DDPM)?;
    Ok(Box::new(Ddim {
        timesteps: Timesteps::from_config(config, TimestepSpacing::Leading, schedule.len())?,
        last_alpha: if config.set_alpha_to_one.unwrap_or(true) { 1.0 } else { schedule.alpha(0) },
        prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
        clipping: Clipping::from_config(config, true)?,
        schedule,
    }))
}

#[derive(Debug)]
struct Ddim {
    schedule: NoiseSchedule,
    timesteps: Timesteps,
    /// ᾱ where the run ends.
    last_alpha: f64,
    prediction: PredictionType,
    clipping: Clipping,
}

impl Scheduler for Ddim {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let train = self.schedule.len();
        let steps = options.steps_within(NAME, 1, train)?;
        if !(0.0..=1.0).contains(&options.eta) {
            return Err(SchedulerError::Eta {
                scheduler: NAME,
                eta: options.eta,
                expected: "expected 0 to 1",
            });
        }
        let timesteps = self.timesteps.whole(steps)?;
        // The stride is always that of `Leading`, as in the reference: with the other spacings a step may end a
        // timestep beside the one where the next begins.
        let stride = train / steps;
        let steps = timesteps.iter().map(|&t| {
            let level = self.schedule.level_seen(t, self.prediction, NAME)?;
            let alpha_next = t.checked_sub(stride).map_or(self.last_alpha, |s| self.schedule.alpha(s));
            Ok(Step::new(level, self.schedule.alpha(t), alpha_next, options.eta))
        });
        Ok(Box::new(DdimSampling {
            steps: steps.collect::<Result<_, _>>()?,
            timesteps: timesteps.into_iter().map(|t| t as f64).collect(),
            prediction: self.prediction,
            clipping: self.clipping,
            stochastic: options.eta > 0.0,
        }))
    }
}

/// The coefficients of one step.
#[derive(Debug)]
struct Step {
    level: Level,
    /// √ᾱ_s.
    clean: f64,
    /// √(1 − ᾱ_s − σ²).
    direction: f64,
    /// σ.
    fresh: f64,
}

impl Step {
    fn new(level: Level, alpha: f64, alpha_next: f64, eta: f64) -> Self {
        // In f32 as the reference has it: 1 − ᾱ_t / ᾱ_s cancels most digits, and which ones are left can be seen in the
        // sample. (A model that predicts x₀ shows it most: 3e-6 of the sample.)
        let (alpha, alpha_next) = (alpha as f32, alpha_next as f32);
        let variance = (1.0 - alpha_next) / (1.0 - alpha) * (1.0 - alpha / alpha_next);
        let fresh = eta as f32 * variance.max(0.0).sqrt();
        let direction = (1.0 - alpha_next - fresh * fresh).max(0.0).sqrt();
        Self {
            level,
            clean: f64::from(alpha_next).sqrt(),
            direction: f64::from(direction),
            fresh: f64::from(fresh),
        }
    }
}

#[derive(Debug)]
struct DdimSampling {
    timesteps: Vec<f64>,
    steps: Vec<Step>,
    prediction: PredictionType,
    clipping: Clipping,
    /// η > 0: every step draws noise, also the last one that may have no use for it, as in the reference.
    stochastic: bool,
}

impl Sampling for DdimSampling {
    fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        sample: Tensor<4>,
        noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        let Step { level, clean, direction, fresh } = self.steps[index];
        let x0 = self.clipping.apply(self.prediction.clean(model_output.clone(), sample.clone(), level));
        // From the prediction itself and not from the clipped x̂₀, as in the reference.
        let epsilon = self.prediction.noise(model_output, sample.clone(), level);
        let next = x0 * clean + epsilon * direction;
        if self.stochastic { next + noise.normal(sample.dims(), &sample.device()) * fresh } else { next }
    }

    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4> {
        self.steps[index].level.mix(clean, noise)
    }
}
