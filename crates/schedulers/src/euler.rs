//! Euler's method on the noise level σ (arXiv 2206.00364, algorithm 1 without its second-order correction or churn).
//!
//! Here a sample is x = x₀ + σ ε, so dx/dσ = ε:
//! ```text
//! x' = x + (σ' − σ) · ε̂
//! ```

use burn::Tensor;

use crate::clipping::Clipping;
use crate::prediction::Level;
use crate::sigmas::{SigmaSchedule, Sigmas};
use crate::{
    NoiseSource, PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError,
    TimestepSpacing,
};

pub(crate) const NAME: &str = "euler";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME)?;
    for (key, supported) in [("interpolation_type", "linear"), ("timestep_type", "discrete")] {
        match config.own::<String>(key)? {
            Some(value) if value != supported => {
                let supported = format!("only {supported} is");
                return Err(SchedulerError::Unsupported { scheduler: NAME, key, value, supported });
            }
            _ => {}
        }
    }
    Ok(Box::new(Euler {
        sigmas: SigmaSchedule::from_config(config, NAME, TimestepSpacing::Linspace)?,
        prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
    }))
}

#[derive(Debug)]
struct Euler {
    sigmas: SigmaSchedule,
    prediction: PredictionType,
}

impl Scheduler for Euler {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let steps = options.steps_within(NAME, 1, self.sigmas.len())?;
        Ok(Box::new(EulerSampling { sigmas: self.sigmas.levels(steps)?, prediction: self.prediction }))
    }
}

#[derive(Debug)]
struct EulerSampling {
    sigmas: Sigmas,
    prediction: PredictionType,
}

impl Sampling for EulerSampling {
    fn timesteps(&self) -> &[f64] {
        &self.sigmas.timesteps
    }

    fn init_noise_sigma(&self) -> f64 {
        self.sigmas.init_noise_sigma
    }

    /// The network knows samples of variance 1: x / √(σ² + 1).
    fn scale_model_input(&self, sample: Tensor<4>, index: usize) -> Tensor<4> {
        sample * Level::from_sigma(self.sigmas.levels[index]).signal
    }

    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        sample: Tensor<4>,
        _noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        let (sigma, next) = (self.sigmas.levels[index], self.sigmas.levels[index + 1]);
        let seen = self.scale_model_input(sample.clone(), index);
        let noise = self.prediction.noise(model_output, seen, Level::from_sigma(sigma));
        sample + noise * (next - sigma)
    }

    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4> {
        clean + noise * self.sigmas.levels[index]
    }
}
