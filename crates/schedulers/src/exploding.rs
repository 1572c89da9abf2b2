//! Runs of the k-diffusion family (arXiv 2206.00364), whose samples are x = x₀ + σ ε.

use crate::clipping::Clipping;
use crate::linear::{Combination, Plan, Predicted, Start, Step, Variance};
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::prediction::Level;
use crate::sigmas::{Placement, Ramp, TrainingSigmas};
use crate::timesteps::Timesteps;
use crate::{FinalSigmas, PredictionType, SchedulerConfig, SchedulerError, TimestepSpacing};

/// The levels of training, and how a run picks from them.
#[derive(Debug, Clone)]
pub(crate) struct Exploding {
    pub(crate) train: TrainingSigmas,
    timesteps: Timesteps,
    pub(crate) placement: Placement,
    last: FinalSigmas,
    whole_karras: bool,
    prediction: PredictionType,
}

/// The levels of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels {
    /// What the network is told at each level but the last.
    timesteps: Vec<f64>,
    /// One more than there are timesteps: the level at each step, then the one where the run ends.
    pub(crate) sigmas: Vec<f64>,
    init_noise_sigma: f64,
    prediction: PredictionType,
}

/// From one level of a run to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stride {
    /// What the network is told at `from`.
    pub(crate) timestep: f64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Exploding {
    /// What `config` says, for a class with these default betas. It ends without noise.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        scheduler: &'static str,
        betas: DefaultBetas,
    ) -> Result<Self, SchedulerError> {
        Self::with_placement(config, betas, Placement::from_config(config, scheduler)?)
    }

    /// The same for a class whose levels lie as `placement` says, whatever `config` does.
    pub(crate) fn with_placement(
        config: &SchedulerConfig,
        betas: DefaultBetas,
        placement: Placement,
    ) -> Result<Self, SchedulerError> {
        let schedule = NoiseSchedule::from_config(config, betas)?;
        Ok(Self {
            train: TrainingSigmas::of(&schedule),
            timesteps: Timesteps::from_config(config, TimestepSpacing::Linspace, schedule.len())?,
            placement,
            last: FinalSigmas::Zero,
            whole_karras: false,
            prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
        })
    }

    /// Runs end at `last`.
    pub(crate) fn ending_at(self, last: FinalSigmas) -> Self {
        Self { last, ..self }
    }

    /// At Karras's levels the network is told the nearest whole timestep.
    pub(crate) fn with_whole_timesteps_for_karras(self) -> Self {
        Self { whole_karras: true, ..self }
    }

    /// The levels of a run of `steps` in 1..=len of training.
    pub(crate) fn levels(&self, steps: usize) -> Result<Levels, SchedulerError> {
        let mut timesteps = self.timesteps.fractional(steps)?;
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| self.train.at(t)).collect();
        if let Some(placed) = self.placement.levels(sigmas[0], sigmas[steps - 1], steps)? {
            timesteps = placed.iter().map(|&sigma| self.train.timestep_of(sigma)).collect();
            sigmas = placed;
            if self.whole_karras && self.placement.ramp == Ramp::Karras {
                timesteps.iter_mut().for_each(|t| *t = t.round_ties_even());
            }
        }
        sigmas.push(match self.last {
            FinalSigmas::Zero => 0.0,
            FinalSigmas::SigmaMin => self.train.smallest(),
        });
        // The reference keeps both in f32.
        let timesteps = timesteps.into_iter().map(in_f32).collect();
        let sigmas: Vec<f64> = sigmas.into_iter().map(in_f32).collect();
        let largest = sigmas[0];
        let init_noise_sigma = match self.timesteps.spacing {
            // These begin at the last timestep of training, where a sample is as good as pure noise …
            TimestepSpacing::Linspace | TimestepSpacing::Trailing => largest,
            // … and here it still holds signal, of variance 1.
            TimestepSpacing::Leading => (largest * largest + 1.0).sqrt(),
        };
        Ok(Levels { timesteps, sigmas, init_noise_sigma, prediction: self.prediction })
    }

    /// An evaluation at `middle`, a level between the ends of `stride`, and `step` from where the stride began.
    pub(crate) fn by_way_of(&self, middle: f64, stride: Stride, step: Combination) -> Step {
        Step {
            // The reference knows no level between those of the run, and adds the noise of the next.
            noised: Level::from_sigma(stride.to),
            start: Start::Before,
            ..Step::at(in_f32(self.train.timestep_of(middle)), Level::from_sigma(middle), step)
        }
    }
}

impl Levels {
    pub(crate) fn strides(&self) -> impl Iterator<Item = Stride> {
        let pairs = self.timesteps.iter().zip(self.sigmas.windows(2));
        pairs.map(|(&timestep, pair)| Stride { timestep, from: pair[0], to: pair[1] })
    }

    /// A run of `steps` through these levels, whose weights are for the noise.
    pub(crate) fn plan(&self, steps: Vec<Step>) -> Plan {
        Plan {
            steps,
            init_noise_sigma: self.init_noise_sigma,
            variance: Variance::Exploding,
            predicted: Predicted::Noise,
            prediction: self.prediction,
            clipping: Clipping::None,
        }
    }
}

impl Stride {
    /// A step from here that looks at nothing between its ends.
    pub(crate) fn step(self, step: Combination) -> Step {
        Step::at(self.timestep, Level::from_sigma(self.from), step)
    }

    /// Euler's step.
    pub(crate) fn euler(self) -> Step {
        self.step(Combination::deterministic(1.0, [self.to - self.from]))
    }
}

/// Ancestral sampling: a step from σ to σ′ as one that goes down further without noise, to the first number
/// returned, and noise of the second put back: σ_down = σ′² / σ and σ_up² = σ′² − σ_down².
pub(crate) fn ancestral(from: f64, to: f64) -> (f64, f64) {
    let down = to * (to / from);
    (down, (to * to - down * down).max(0.0).sqrt())
}

fn in_f32(x: f64) -> f64 {
    f64::from(x as f32)
}
