//! What a scheduler, its config or a request to it can have wrong.

use crate::SchedulerKind;

/// Why a scheduler cannot do what was asked. Each text names the place, what was found and what is possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SchedulerError {
    /// The config is not the JSON object that a `scheduler_config.json` holds.
    #[error("scheduler config: expected a JSON object: {reason}")]
    NotAnObject {
        /// What the JSON reader said.
        reason: String,
    },
    /// The config has a key that no scheduler of the field has.
    #[error("scheduler config: unknown option `{key}`{}", nearest.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    UnknownOption {
        /// The key.
        key: String,
        /// The known option with the most similar name, if one is similar.
        nearest: Option<&'static str>,
    },
    /// An option has a value that it cannot have.
    #[error("scheduler config: `{key}` is {found}: {expected}")]
    WrongValue {
        /// The option.
        key: String,
        /// Its value as JSON, shortened.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// No scheduler has this name.
    #[error("unknown scheduler `{name}`: there are {}", SchedulerKind::names())]
    UnknownScheduler {
        /// The name asked for.
        name: String,
    },
    /// The config names no class, and no scheduler was chosen.
    #[error("scheduler config: no `_class_name`: choose a scheduler by name: {}", SchedulerKind::names())]
    NoClass,
    /// The config names a class that is not built here, and no scheduler was chosen.
    #[error(
        "scheduler config: `_class_name` is \"{class}\", which is not supported: choose a scheduler by name: {}",
        SchedulerKind::names()
    )]
    UnsupportedClass {
        /// The class named.
        class: String,
    },
    /// The scheduler knows the option, or its result would depend on it, but not with this value.
    #[error("scheduler {scheduler}: `{key}` = {value} is not supported: {supported}")]
    Unsupported {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// The option.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is possible instead.
        supported: String,
    },
    /// Betas whose product leaves a timestep without noise or without signal.
    #[error(
        "noise schedule: at timestep {timestep} the share of signal (alphas_cumprod) is {alpha}, \
         expected a number between 0 and 1, both excluded: check the betas"
    )]
    DegenerateNoiseSchedule {
        /// The timestep.
        timestep: usize,
        /// The share of signal there.
        alpha: f32,
    },
    /// The number of steps cannot be done.
    #[error("scheduler {scheduler}: {steps} steps: expected {least} to {most}")]
    Steps {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// Steps asked for.
        steps: usize,
        /// The fewest possible.
        least: usize,
        /// The most possible.
        most: usize,
    },
    /// `eta` is out of its range, or the scheduler has no such thing.
    #[error("scheduler {scheduler}: eta is {eta}: {expected}")]
    Eta {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// The value asked for.
        eta: f64,
        /// What is possible.
        expected: &'static str,
    },
    /// `steps_offset` moves the first timestep past the last one that the model was trained on.
    #[error(
        "{steps} steps with steps_offset {steps_offset} would start at timestep {timestep}, \
         but the last one trained is {last}: take fewer steps, or another timestep_spacing"
    )]
    PastLastTimestep {
        /// Steps asked for.
        steps: usize,
        /// Offset of the config.
        steps_offset: usize,
        /// Where the run would start.
        timestep: usize,
        /// The last timestep of training.
        last: usize,
    },
    /// A first timestep of pure noise, from which a model that predicts noise can learn nothing about the picture.
    #[error(
        "scheduler {scheduler}: prediction_type epsilon cannot start at timestep {timestep}, where \
         rescale_betas_zero_snr leaves no signal: the model must predict v_prediction or sample"
    )]
    NoSignal {
        /// Name of the scheduler.
        scheduler: &'static str,
        /// The timestep without signal.
        timestep: usize,
    },
}

impl SchedulerError {
    /// What to do about it, where the text does not say it already.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAnObject { .. }
            | Self::UnknownOption { .. }
            | Self::WrongValue { .. }
            | Self::NoClass
            | Self::UnsupportedClass { .. }
            | Self::DegenerateNoiseSchedule { .. } => {
                "it stands in scheduler/scheduler_config.json of the model's folder"
            }
            Self::Unsupported { .. } | Self::NoSignal { .. } => "another scheduler may be able to",
            Self::UnknownScheduler { .. } => "`gligen schedulers` lists them",
            Self::Steps { .. } => {
                "every step has a timestep of its own of those that the model was trained on"
            }
            Self::Eta { .. } => "leave it out, or choose the scheduler ddim",
            Self::PastLastTimestep { .. } => return None,
        };
        Some(hint.into())
    }

    /// An option with a value out of its range.
    pub(crate) fn wrong_value(key: &str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::WrongValue { key: key.into(), found: found.to_string(), expected: expected.into() }
    }

    /// An option that `scheduler` cannot have with this value.
    pub(crate) fn unsupported(
        scheduler: &'static str,
        key: &'static str,
        value: impl ToString,
        supported: impl Into<String>,
    ) -> Self {
        Self::Unsupported { scheduler, key, value: value.to_string(), supported: supported.into() }
    }
}
