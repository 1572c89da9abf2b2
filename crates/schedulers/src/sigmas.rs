//! The noise levels σ that methods of the k-diffusion family step through (arXiv 2206.00364).

use crate::noise_schedule::NoiseSchedule;
use crate::timesteps::{Timesteps, linspace};
use crate::{FinalSigmas, SchedulerConfig, SchedulerError, TimestepSpacing};

/// How the levels of a run are placed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ramp {
    /// At the timesteps of the run.
    Timesteps,
    /// Evenly in σ^(1/7), equation 5.
    Karras,
    /// Evenly in ln σ.
    Exponential,
}

/// The levels of training, and how a run picks from them.
#[derive(Debug, Clone)]
pub(crate) struct SigmaSchedule {
    train: Vec<f32>,
    timesteps: Timesteps,
    ramp: Ramp,
    min: Option<f64>,
    max: Option<f64>,
    last: FinalSigmas,
}

/// The levels of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sigmas {
    /// What the network is told at each step.
    pub(crate) timesteps: Vec<f64>,
    /// One more than there are timesteps: the level at each step, then the one where the run ends.
    pub(crate) levels: Vec<f64>,
    /// Factor on the noise that the run starts from.
    pub(crate) init_noise_sigma: f64,
}

impl SigmaSchedule {
    /// What `config` says, for a class with the default `spacing`.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        scheduler: &'static str,
        spacing: TimestepSpacing,
    ) -> Result<Self, SchedulerError> {
        let unsupported = |key, value: String, supported: &str| {
            Err(SchedulerError::Unsupported { scheduler, key, value, supported: supported.into() })
        };
        if config.use_beta_sigmas == Some(true) {
            return unsupported(
                "use_beta_sigmas",
                "true".into(),
                "use_karras_sigmas, use_exponential_sigmas or neither",
            );
        }
        let ramp = match (config.use_karras_sigmas == Some(true), config.use_exponential_sigmas == Some(true))
        {
            (false, false) => Ramp::Timesteps,
            (true, false) => Ramp::Karras,
            (false, true) => Ramp::Exponential,
            (true, true) => {
                return unsupported(
                    "use_exponential_sigmas",
                    "true".into(),
                    "not beside use_karras_sigmas = true",
                );
            }
        };
        for (key, bound) in [("sigma_min", config.sigma_min), ("sigma_max", config.sigma_max)] {
            match bound {
                Some(sigma) if sigma <= 0.0 => {
                    return Err(SchedulerError::wrong_value(key, sigma, "expected more than 0"));
                }
                // The reference reads it, but then goes by the timesteps: that is not what the config asks for.
                Some(sigma) if ramp == Ramp::Timesteps => {
                    return unsupported(
                        key,
                        sigma.to_string(),
                        "only with use_karras_sigmas or use_exponential_sigmas",
                    );
                }
                _ => {}
            }
        }
        let schedule = NoiseSchedule::from_config(config)?;
        Ok(Self {
            train: schedule.sigmas(),
            timesteps: Timesteps::from_config(config, spacing, schedule.len())?,
            ramp,
            min: config.sigma_min,
            max: config.sigma_max,
            last: config.final_sigmas_type.unwrap_or(FinalSigmas::Zero),
        })
    }

    /// Number of timesteps of training.
    pub(crate) fn len(&self) -> usize {
        self.train.len()
    }

    /// The levels of a run of `steps` in 1..=len.
    pub(crate) fn levels(&self, steps: usize) -> Result<Sigmas, SchedulerError> {
        let mut timesteps = self.timesteps.fractional(steps);
        let mut levels: Vec<f64> = timesteps.iter().map(|&t| self.at(t)).collect();
        let max = self.max.unwrap_or(levels[0]);
        let min = self.min.unwrap_or(levels[steps - 1]);
        if min > max {
            return Err(SchedulerError::wrong_value(
                "sigma_min",
                min,
                format!("expected at most sigma_max, {max}"),
            ));
        }
        match self.ramp {
            Ramp::Timesteps => {}
            Ramp::Karras => {
                const RHO: f64 = 7.0;
                let (from, to) = (libm::pow(max, 1.0 / RHO), libm::pow(min, 1.0 / RHO));
                let ramp = linspace(0.0, 1.0, steps).into_iter();
                levels = ramp.map(|share| libm::pow(from + share * (to - from), RHO)).collect();
            }
            Ramp::Exponential => {
                levels = linspace(libm::log(max), libm::log(min), steps).into_iter().map(libm::exp).collect();
            }
        }
        if self.ramp != Ramp::Timesteps {
            timesteps = levels.iter().map(|&sigma| self.timestep_of(sigma)).collect();
        }
        levels.push(match self.last {
            FinalSigmas::Zero => 0.0,
            FinalSigmas::SigmaMin => f64::from(self.train[0]),
        });
        // The reference keeps both in f32.
        let timesteps = timesteps.into_iter().map(|t| f64::from(t as f32)).collect();
        let levels: Vec<f64> = levels.into_iter().map(|sigma| f64::from(sigma as f32)).collect();
        let largest = levels[0];
        let init_noise_sigma = match self.timesteps.spacing {
            // These begin at the last timestep of training, where a sample is as good as pure noise …
            TimestepSpacing::Linspace | TimestepSpacing::Trailing => largest,
            // … and here it still holds signal, of variance 1.
            TimestepSpacing::Leading => (largest * largest + 1.0).sqrt(),
        };
        Ok(Sigmas { timesteps, levels, init_noise_sigma })
    }

    /// σ at a timestep, between two of training by linear interpolation.
    fn at(&self, timestep: f64) -> f64 {
        let below = (timestep as usize).min(self.train.len() - 1);
        let above = (below + 1).min(self.train.len() - 1);
        let (low, high) = (f64::from(self.train[below]), f64::from(self.train[above]));
        (high - low) * (timestep - below as f64) + low
    }

    /// The timestep at which the model was trained on the level σ, by linear interpolation of ln σ.
    fn timestep_of(&self, sigma: f64) -> f64 {
        let log_sigma = libm::log(sigma.max(1e-10));
        let log_train = |i: usize| libm::log(f64::from(self.train[i]));
        let not_above = self.train.partition_point(|&s| libm::log(f64::from(s)) <= log_sigma);
        let below = not_above.saturating_sub(1).min(self.train.len().saturating_sub(2));
        let above = (below + 1).min(self.train.len() - 1);
        let (low, high) = (log_train(below), log_train(above));
        let share = if low == high { 0.0 } else { ((low - log_sigma) / (low - high)).clamp(0.0, 1.0) };
        (1.0 - share) * below as f64 + share * above as f64
    }
}
