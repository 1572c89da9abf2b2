//! A published `scheduler_config.json`, as it is.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::python_json::quote_infinities;
use crate::{PredictionType, Scheduler, SchedulerError, SchedulerKind, TimestepSpacing};

/// How β, the noise added at each timestep of training, runs from `beta_start` to `beta_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// In equal steps.
    Linear,
    /// Its square root in equal steps, as latent diffusion has it.
    ScaledLinear,
    /// So that ᾱ falls as a squared cosine (arXiv 2102.09672); `beta_start` and `beta_end` do not count.
    #[serde(rename = "squaredcos_cap_v2")]
    SquaredcosCapV2,
}

/// Where the noise levels end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalSigmas {
    /// Without noise.
    Zero,
    /// At the lowest level of training.
    SigmaMin,
}

/// A noise schedule and options of a scheduler; the fields are the keys of a published `scheduler_config.json`.
///
/// `None` is the default of the scheduler that is built, which may be another than the class that the config names:
/// what the file says is kept, what it leaves out is up to the scheduler. Options that only another scheduler has
/// are then without effect; one that the built scheduler has is honoured, or refused by name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the published ones, their meaning is that of the reference")]
pub struct SchedulerConfig {
    /// `_class_name`: the scheduler that the checkpoint was published with.
    pub class_name: Option<String>,

    // The noise that the model was trained with.
    pub num_train_timesteps: Option<usize>,
    pub beta_start: Option<f64>,
    pub beta_end: Option<f64>,
    pub beta_schedule: Option<BetaSchedule>,
    /// β of every timestep, instead of the three above.
    pub trained_betas: Option<Vec<f64>>,
    /// Shifts the schedule so that the last timestep has no signal left (arXiv 2305.08891, algorithm 1).
    pub rescale_betas_zero_snr: Option<bool>,
    pub prediction_type: Option<PredictionType>,

    // The timesteps that a run visits.
    pub timestep_spacing: Option<TimestepSpacing>,
    pub steps_offset: Option<usize>,
    /// Ends at a clean sample (true), or at the noise of timestep 0 (false).
    pub set_alpha_to_one: Option<bool>,

    // Bounds on the predicted clean sample.
    pub clip_sample: Option<bool>,
    pub clip_sample_range: Option<f64>,
    pub thresholding: Option<bool>,
    pub dynamic_thresholding_ratio: Option<f64>,
    pub sample_max_value: Option<f64>,

    // The noise levels of methods that step in σ.
    pub use_karras_sigmas: Option<bool>,
    pub use_exponential_sigmas: Option<bool>,
    pub use_beta_sigmas: Option<bool>,
    pub sigma_min: Option<f64>,
    pub sigma_max: Option<f64>,
    pub final_sigmas_type: Option<FinalSigmas>,

    /// What only one scheduler or a few have: kept as it was read, until that scheduler is built.
    own: BTreeMap<String, Value>,
}

/// Options that schedulers of the field have beside the fields of [`SchedulerConfig`].
const OWN_OPTIONS: &[&str] = &[
    "algorithm_type",
    "corrector_order",
    "disable_corrector",
    "euler_at_final",
    "flow_shift",
    "interpolation_type",
    "lambda_min_clipped",
    "lower_order_final",
    "noise_sampler_seed",
    "original_inference_steps",
    "predict_x0",
    "predictor_order",
    "rho",
    "shift_terminal",
    "sigma_data",
    "sigma_schedule",
    "skip_prk_steps",
    "solver_order",
    "solver_p",
    "solver_type",
    "tau_func",
    "tensor_format",
    "time_shift_type",
    "timestep_scaling",
    "timestep_type",
    "timestep_values",
    "use_dynamic_shifting",
    "use_flow_sigmas",
    "use_lu_lambdas",
    "variance_type",
];

impl SchedulerConfig {
    /// Reads the text of a `scheduler_config.json`.
    ///
    /// Keys that begin with `_` say nothing about the numbers and are skipped (but for `_class_name`); `null` stands
    /// for the default. Python's `Infinity` and `-Infinity`, which are no JSON but in many a published config, are
    /// read.
    ///
    /// # Errors
    /// The text is no JSON object; a key is none that a scheduler of the field has; a value is not one of those
    /// possible.
    ///
    /// ```
    /// use gligen_schedulers::{PredictionType, SchedulerConfig};
    ///
    /// let config = SchedulerConfig::from_json(r#"{"_class_name": "DDIMScheduler", "prediction_type": "v_prediction"}"#)?;
    /// assert_eq!(config.prediction_type, Some(PredictionType::VPrediction));
    /// assert!(SchedulerConfig::from_json(r#"{"predicton_type": "epsilon"}"#).is_err());
    /// # Ok::<(), gligen_schedulers::SchedulerError>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self, SchedulerError> {
        let map: Map<String, Value> = serde_json::from_str(&quote_infinities(text))
            .map_err(|error| SchedulerError::NotAnObject { reason: error.to_string() })?;
        Self::try_from(map)
    }

    /// Makes the scheduler `kind`, or the one that the config names.
    ///
    /// # Errors
    /// The named class is not built here; an option has a value that the scheduler cannot honour; betas that make no
    /// noise schedule.
    pub fn build(&self, kind: Option<SchedulerKind>) -> Result<Box<dyn Scheduler>, SchedulerError> {
        let kind = match (kind, &self.class_name) {
            (Some(kind), _) => kind,
            (None, Some(class)) => SchedulerKind::from_class_name(class)
                .ok_or_else(|| SchedulerError::UnsupportedClass { class: shorten(class) })?,
            (None, None) => return Err(SchedulerError::NoClass),
        };
        kind.build(self)
    }

    /// The same with `change` made to it, as `from_config(config, key=value)` of the reference.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut config = self.clone();
        change(&mut config);
        config
    }

    /// Sets an option that is no field.
    pub(crate) fn set_own(&mut self, key: &'static str, value: impl Into<Value>) {
        debug_assert!(OWN_OPTIONS.contains(&key), "{key}");
        self.own.insert(key.into(), value.into());
    }

    /// An option that is no field because few schedulers have it; `key` must be one of [`OWN_OPTIONS`].
    pub(crate) fn own<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SchedulerError> {
        debug_assert!(OWN_OPTIONS.contains(&key), "{key}");
        self.own.get(key).map_or(Ok(None), |value| read(key, value.clone()))
    }

    /// The same for one that must be among `choices`. Those of `foreign` are what other schedulers' configs have
    /// there: they stand for the default, as in the reference.
    pub(crate) fn own_choice<T: Copy>(
        &self,
        scheduler: &'static str,
        key: &'static str,
        choices: &[(&str, T)],
        foreign: &[&str],
    ) -> Result<Option<T>, SchedulerError> {
        let Some(value) = self.own::<String>(key)?.filter(|value| !foreign.contains(&value.as_str())) else {
            return Ok(None);
        };
        match choices.iter().find(|(name, _)| *name == value) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let names = choices.iter().map(|(name, _)| *name).collect::<Vec<_>>();
                let supported = match names.as_slice() {
                    [only] => format!("only {only} is"),
                    names => format!("{} are", names.join(", ")),
                };
                Err(SchedulerError::unsupported(scheduler, key, shorten(&value), supported))
            }
        }
    }

    /// `solver_order`, for the families of solvers that have the first three.
    pub(crate) fn solver_order(&self, scheduler: &'static str) -> Result<usize, SchedulerError> {
        match self.own("solver_order")?.unwrap_or(2) {
            order @ 1..=3 => Ok(order),
            order => Err(SchedulerError::unsupported(scheduler, "solver_order", order, "1, 2 and 3 are")),
        }
    }

    /// Refuses an option that is switched on, or set to anything, for a scheduler that cannot honour it.
    pub(crate) fn refuse_own(
        &self,
        scheduler: &'static str,
        key: &'static str,
        supported: &str,
    ) -> Result<(), SchedulerError> {
        match self.own::<Value>(key)? {
            None | Some(Value::Bool(false)) => Ok(()),
            Some(value) => {
                Err(SchedulerError::unsupported(scheduler, key, shorten(&value.to_string()), supported))
            }
        }
    }
}

impl TryFrom<Map<String, Value>> for SchedulerConfig {
    type Error = SchedulerError;

    fn try_from(map: Map<String, Value>) -> Result<Self, SchedulerError> {
        let mut fields = Fields { map, taken: Vec::new() };
        let mut config = Self {
            class_name: fields.take("_class_name")?,
            num_train_timesteps: fields.take("num_train_timesteps")?,
            beta_start: fields.take("beta_start")?,
            beta_end: fields.take("beta_end")?,
            beta_schedule: fields.take("beta_schedule")?,
            trained_betas: fields.take("trained_betas")?,
            rescale_betas_zero_snr: fields.take("rescale_betas_zero_snr")?,
            prediction_type: fields.take("prediction_type")?,
            timestep_spacing: fields.take("timestep_spacing")?,
            steps_offset: fields.take("steps_offset")?,
            set_alpha_to_one: fields.take("set_alpha_to_one")?,
            clip_sample: fields.take("clip_sample")?,
            clip_sample_range: fields.take("clip_sample_range")?,
            thresholding: fields.take("thresholding")?,
            dynamic_thresholding_ratio: fields.take("dynamic_thresholding_ratio")?,
            sample_max_value: fields.take("sample_max_value")?,
            use_karras_sigmas: fields.take("use_karras_sigmas")?,
            use_exponential_sigmas: fields.take("use_exponential_sigmas")?,
            use_beta_sigmas: fields.take("use_beta_sigmas")?,
            sigma_min: fields.take("sigma_min")?,
            sigma_max: fields.take("sigma_max")?,
            final_sigmas_type: fields.take("final_sigmas_type")?,
            own: BTreeMap::new(),
        };
        for (key, value) in fields.map {
            if OWN_OPTIONS.contains(&key.as_str()) {
                config.own.insert(key, value);
            } else if !key.starts_with('_') {
                return Err(SchedulerError::UnknownOption {
                    nearest: nearest(&key, &fields.taken),
                    key: shorten(&key),
                });
            }
        }
        Ok(config)
    }
}

/// The keys of a config, those that are fields being taken out one by one.
struct Fields {
    map: Map<String, Value>,
    taken: Vec<&'static str>,
}

impl Fields {
    fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<T>, SchedulerError> {
        self.taken.push(key);
        self.map.remove(key).map_or(Ok(None), |value| read(key, value))
    }
}

fn read<T: DeserializeOwned>(key: &str, value: Value) -> Result<Option<T>, SchedulerError> {
    let found = shorten(&value.to_string());
    serde_json::from_value(value).map_err(|error| {
        // The reader says what it found, too, which is said here already.
        let text = error.to_string();
        let expected = text.rsplit_once(", expected ").map(|(_, expected)| format!("expected {expected}"));
        SchedulerError::wrong_value(key, found, expected.unwrap_or_else(|| shorten(&text)))
    })
}

/// The beginning of a text that may be of any length.
fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The known option that `key` was probably meant to be.
fn nearest(key: &str, fields: &[&'static str]) -> Option<&'static str> {
    let likeness = |known: &str| strsim::jaro_winkler(known, key);
    let known = fields.iter().chain(OWN_OPTIONS).copied();
    known.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.85)
}
