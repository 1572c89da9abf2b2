//! Runs of methods that solve the diffusion equation in λ = ln(signal / noise), for samples as the network knows them:
//! x = √ᾱ x₀ + √(1 − ᾱ) ε (DPM-Solver, arXiv 2206.00927, and what came after it).

use serde_json::Value;

use crate::clipping::Clipping;
use crate::linear::{Combination, Plan, Predicted, Step};
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::prediction::Level;
use crate::sigmas::{Placement, Ramp, TrainingSigmas};
use crate::timesteps::Timesteps;
use crate::{PredictionType, SamplingOptions, SchedulerConfig, SchedulerError, TimestepSpacing};

/// Where a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Without noise.
    Clean,
    /// At the lowest level of training.
    Lowest,
    /// At the lowest level of training, or where the levels lie on a ramp, at its last one: the last step leads
    /// nowhere.
    LastOfRamp,
}

/// What the network is told at a level between two timesteps of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    Nearest,
    Below,
}

/// The levels of training, and how a run picks from them.
#[derive(Debug, Clone)]
pub(crate) struct Preserving {
    scheduler: &'static str,
    train: TrainingSigmas,
    timesteps: Timesteps,
    placement: Placement,
    whole: Whole,
    end: End,
    prediction: PredictionType,
    clipping: Clipping,
}

/// The levels of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels {
    pub(crate) timesteps: Vec<f64>,
    /// One more than there are timesteps: the level at each step, then the one where the run ends.
    pub(crate) levels: Vec<Level>,
}

impl Preserving {
    /// What `config` says.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        scheduler: &'static str,
        end: End,
    ) -> Result<Self, SchedulerError> {
        Clipping::refuse(config, scheduler, &["clip_sample"])?;
        for key in ["use_flow_sigmas", "use_dynamic_shifting", "shift_terminal"] {
            config.refuse_own(scheduler, key, "it is for models of flow matching, which GLIGEN's are not")?;
        }
        let schedule = NoiseSchedule::from_config(config, DefaultBetas::DDPM)?;
        let placement = Placement::from_config(config, scheduler)?;
        Ok(Self {
            scheduler,
            train: TrainingSigmas::of(&schedule),
            timesteps: Timesteps::from_config(config, TimestepSpacing::Linspace, schedule.len())?,
            whole: if placement.ramp == Ramp::Karras { Whole::Nearest } else { Whole::Below },
            placement,
            end,
            prediction: config.prediction_type.unwrap_or(PredictionType::Epsilon),
            clipping: Clipping::from_config(config, false)?,
        })
    }

    /// The network is told whole timesteps of this kind, whatever the ramp.
    pub(crate) fn telling(self, whole: Whole) -> Self {
        Self { whole, ..self }
    }

    /// Leaves out the timesteps where λ is below `lambda_min_clipped`.
    pub(crate) fn clipped(self, config: &SchedulerConfig) -> Result<Self, SchedulerError> {
        let key = "lambda_min_clipped";
        let least = match config.own::<Value>(key)? {
            None => return Ok(self),
            Some(Value::String(text)) if text == "-Infinity" => return Ok(self),
            Some(value) => value
                .as_f64()
                .ok_or_else(|| SchedulerError::wrong_value(key, &value, "expected a number or -Infinity"))?,
        };
        let clipped = self.train.beyond(least);
        if clipped + 2 > self.train.len() {
            let expected = "expected a number that leaves two timesteps or more";
            return Err(SchedulerError::wrong_value(key, least, expected));
        }
        Ok(Self { timesteps: self.timesteps.without_last(clipped), ..self })
    }

    /// The levels of a run.
    pub(crate) fn levels(&self, options: &SamplingOptions) -> Result<Levels, SchedulerError> {
        options.refuse_eta(self.scheduler)?;
        let steps = options.steps_within(self.scheduler, 1, self.timesteps.len() - 1)?;
        let (largest, smallest) = (self.train.largest(), self.train.smallest());
        let (timesteps, mut sigmas): (Vec<f64>, Vec<f64>) =
            match self.placement.levels(largest, smallest, steps)? {
                None => {
                    let timesteps = self.timesteps.whole_before_end(steps)?.into_iter();
                    timesteps.map(|t| (t as f64, self.train.at(t as f64))).unzip()
                }
                Some(placed) => placed.into_iter().map(|sigma| (self.whole_timestep(sigma), sigma)).unzip(),
            };
        sigmas.push(match self.end {
            End::Clean => 0.0,
            End::LastOfRamp if self.placement.ramp != Ramp::Timesteps => sigmas[sigmas.len() - 1],
            End::Lowest | End::LastOfRamp => smallest,
        });
        // The reference keeps them in f32.
        let levels = sigmas.into_iter().map(|sigma| Level::from_sigma(f64::from(sigma as f32)));
        Ok(Levels { timesteps, levels: levels.collect() })
    }

    fn whole_timestep(&self, sigma: f64) -> f64 {
        let timestep = self.train.timestep_of(sigma);
        match self.whole {
            Whole::Nearest => timestep.round_ties_even(),
            Whole::Below => timestep.floor(),
        }
    }

    /// A run of `steps` whose weights are for `predicted`.
    pub(crate) fn plan(&self, steps: Vec<Step>, predicted: Predicted) -> Plan {
        Plan::preserving(steps, predicted, self.prediction, self.clipping)
    }
}

impl Levels {
    /// Number of steps, which is one less than there are levels.
    pub(crate) fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// A step from the level of `index`.
    pub(crate) fn step(&self, index: usize, step: Combination) -> Step {
        Step::at(self.timesteps[index], self.levels[index], step)
    }

    /// The level where the step of `index` ends, and before it up to `count` levels, the newest first.
    pub(crate) fn looking_back(&self, index: usize, count: usize) -> (Level, Vec<Level>) {
        let from = self.levels[..=index].iter().rev().take(count).copied().collect();
        (self.levels[index + 1], from)
    }
}
