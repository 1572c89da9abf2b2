//! The noise levels σ = √((1 − ᾱ) / ᾱ) of training, and where between them the levels of a run lie.

use crate::beta_quantile::beta_quantile;
use crate::noise_schedule::NoiseSchedule;
use crate::timesteps::linspace;
use crate::{SchedulerConfig, SchedulerError};

/// σ at every timestep of training, rising.
#[derive(Debug, Clone)]
pub(crate) struct TrainingSigmas {
    sigmas: Vec<f32>,
    /// Their logarithms, in f32: those of the reference, to which a level is placed before its timestep is cut to a
    /// whole number.
    logs: Vec<f32>,
}

impl TrainingSigmas {
    pub(crate) fn of(schedule: &NoiseSchedule) -> Self {
        let sigmas = schedule.sigmas();
        let logs = sigmas.iter().map(|&sigma| libm::log(f64::from(sigma)) as f32).collect();
        Self { sigmas, logs }
    }

    /// Number of timesteps.
    pub(crate) fn len(&self) -> usize {
        self.sigmas.len()
    }

    pub(crate) fn smallest(&self) -> f64 {
        f64::from(self.sigmas[0])
    }

    pub(crate) fn largest(&self) -> f64 {
        f64::from(self.sigmas[self.len() - 1])
    }

    /// σ at a timestep, between two of training by linear interpolation.
    pub(crate) fn at(&self, timestep: f64) -> f64 {
        let below = (timestep as usize).min(self.len() - 1);
        let above = (below + 1).min(self.len() - 1);
        let (low, high) = (f64::from(self.sigmas[below]), f64::from(self.sigmas[above]));
        (high - low) * (timestep - below as f64) + low
    }

    /// The timestep at which the model was trained on the level σ, by linear interpolation of ln σ.
    pub(crate) fn timestep_of(&self, sigma: f64) -> f64 {
        let log_sigma = libm::log(sigma.max(1e-10));
        let log_train = |i: usize| f64::from(self.logs[i]);
        let not_above = self.logs.partition_point(|&log| f64::from(log) <= log_sigma);
        let below = not_above.saturating_sub(1).min(self.len().saturating_sub(2));
        let above = (below + 1).min(self.len() - 1);
        let (low, high) = (log_train(below), log_train(above));
        let share = if low == high { 0.0 } else { ((low - log_sigma) / (low - high)).clamp(0.0, 1.0) };
        (1.0 - share) * below as f64 + share * above as f64
    }

    /// Number of timesteps at which λ = −ln σ is less than `least`.
    pub(crate) fn beyond(&self, least: f64) -> usize {
        self.logs.iter().filter(|&&log| -f64::from(log) < least).count()
    }
}

/// How the levels of a run are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ramp {
    /// At the timesteps of the run.
    Timesteps,
    /// Evenly in σ^(1/7) (arXiv 2206.00364, equation 5).
    Karras,
    /// Evenly in ln σ, which is in λ (arXiv 2206.00927).
    Exponential,
    /// At the quantiles of a beta distribution, so that most lie near both ends (arXiv 2407.12173).
    Beta,
}

/// The ramp with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    pub(crate) ramp: Ramp,
    min: Option<f64>,
    max: Option<f64>,
}

impl Placement {
    pub(crate) const AT_TIMESTEPS: Self = Self { ramp: Ramp::Timesteps, min: None, max: None };

    pub(crate) fn from_config(
        config: &SchedulerConfig,
        scheduler: &'static str,
    ) -> Result<Self, SchedulerError> {
        let ramps = [
            ("use_karras_sigmas", config.use_karras_sigmas, Ramp::Karras),
            ("use_exponential_sigmas", config.use_exponential_sigmas, Ramp::Exponential),
            ("use_beta_sigmas", config.use_beta_sigmas, Ramp::Beta),
        ];
        let mut asked = ramps.into_iter().filter(|(_, on, _)| *on == Some(true));
        let ramp = match (asked.next(), asked.next()) {
            (None, _) => Ramp::Timesteps,
            (Some((_, _, ramp)), None) => ramp,
            (Some((first, ..)), Some((second, ..))) => {
                let supported = format!("not beside {first} = true");
                return Err(SchedulerError::unsupported(scheduler, second, "true", supported));
            }
        };
        for (key, bound) in [("sigma_min", config.sigma_min), ("sigma_max", config.sigma_max)] {
            match bound {
                Some(sigma) if sigma <= 0.0 => {
                    return Err(SchedulerError::wrong_value(key, sigma, "expected more than 0"));
                }
                // The reference reads it, but then goes by the timesteps: that is not what the config asks for.
                Some(sigma) if ramp == Ramp::Timesteps => {
                    let supported = "only with use_karras_sigmas, use_exponential_sigmas or use_beta_sigmas";
                    return Err(SchedulerError::unsupported(scheduler, key, sigma, supported));
                }
                _ => {}
            }
        }
        Ok(Self { ramp, min: config.sigma_min, max: config.sigma_max })
    }

    /// `steps` falling levels; `largest` and `smallest` are the ends where the config sets none. Nothing if they are
    /// to lie at the timesteps.
    pub(crate) fn levels(
        &self,
        largest: f64,
        smallest: f64,
        steps: usize,
    ) -> Result<Option<Vec<f64>>, SchedulerError> {
        let (max, min) = (self.max.unwrap_or(largest), self.min.unwrap_or(smallest));
        if min >= max && steps > 1 {
            let expected = format!("expected less than sigma_max, {max}");
            return Err(SchedulerError::wrong_value("sigma_min", min, expected));
        }
        Ok(match self.ramp {
            Ramp::Timesteps => None,
            Ramp::Karras => {
                const RHO: f64 = 7.0;
                let (from, to) = (libm::pow(max, 1.0 / RHO), libm::pow(min, 1.0 / RHO));
                let shares = linspace(0.0, 1.0, steps).into_iter();
                Some(shares.map(|share| libm::pow(from + share * (to - from), RHO)).collect())
            }
            Ramp::Exponential => {
                let logs = linspace(libm::log(max), libm::log(min), steps).into_iter();
                Some(logs.map(libm::exp).collect())
            }
            Ramp::Beta => {
                const SHAPE: f64 = 0.6;
                let shares = linspace(0.0, 1.0, steps).into_iter();
                Some(shares.map(|share| min + beta_quantile(1.0 - share, SHAPE) * (max - min)).collect())
            }
        })
    }
}
