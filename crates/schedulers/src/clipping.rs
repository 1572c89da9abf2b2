//! Keeping the predicted clean sample within bounds, as models that work on pixels want it.

use burn::Tensor;
use burn::tensor::{DType, TensorData};

use crate::{SchedulerConfig, SchedulerError};

/// What is done to x̂₀ before it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clipping {
    None,
    /// Clamp to −limit..=limit.
    Fixed {
        limit: f64,
    },
    /// Dynamic thresholding (arXiv 2205.11487, section 2.3): the limit of each sample is the quantile `ratio` of its
    /// absolute values, but 1 to `most`; clamp to it, then divide by it.
    Dynamic {
        ratio: f64,
        most: f64,
    },
}

impl Clipping {
    /// What `config` says, for a class that clips `by_default` or does not.
    pub(crate) fn from_config(config: &SchedulerConfig, by_default: bool) -> Result<Self, SchedulerError> {
        if config.thresholding.unwrap_or(false) {
            let ratio = config.dynamic_thresholding_ratio.unwrap_or(0.995);
            if !(0.0..=1.0).contains(&ratio) {
                return Err(SchedulerError::wrong_value(
                    "dynamic_thresholding_ratio",
                    ratio,
                    "expected 0 to 1",
                ));
            }
            let most = config.sample_max_value.unwrap_or(1.0);
            if most < 1.0 {
                return Err(SchedulerError::wrong_value("sample_max_value", most, "expected 1 or more"));
            }
            Ok(Self::Dynamic { ratio, most })
        } else if config.clip_sample.unwrap_or(by_default) {
            let limit = config.clip_sample_range.unwrap_or(1.0);
            if limit <= 0.0 {
                return Err(SchedulerError::wrong_value("clip_sample_range", limit, "expected more than 0"));
            }
            Ok(Self::Fixed { limit })
        } else {
            Ok(Self::None)
        }
    }

    /// Refuses a config that asks for one of `keys` (`clip_sample`, `thresholding`), for a scheduler without it.
    pub(crate) fn refuse(
        config: &SchedulerConfig,
        scheduler: &'static str,
        keys: &[&'static str],
    ) -> Result<(), SchedulerError> {
        let asked = [("clip_sample", config.clip_sample), ("thresholding", config.thresholding)];
        match asked.into_iter().find(|(key, on)| *on == Some(true) && keys.contains(key)) {
            None => Ok(()),
            Some((key, _)) => {
                Err(SchedulerError::unsupported(scheduler, key, "true", "use ddim, or set it to false"))
            }
        }
    }

    pub(crate) fn apply(self, clean: Tensor<4>) -> Tensor<4> {
        match self {
            Self::None => clean,
            Self::Fixed { limit } => clean.clamp(-limit, limit),
            Self::Dynamic { ratio, most } => threshold(clean, ratio, most),
        }
    }
}

fn threshold(clean: Tensor<4>, ratio: f64, most: f64) -> Tensor<4> {
    let [batch, channels, height, width] = clean.dims();
    // The quantile is found on the host: one small sort a step, and no backend has the operation.
    let values = clean.to_data().iter::<f32>().map(f32::abs).collect::<Vec<_>>();
    let limits = values
        .chunks((channels * height * width).max(1))
        .map(|sample| quantile(sample.to_vec(), ratio as f32).clamp(1.0, most as f32))
        .collect::<Vec<_>>();
    let limits =
        Tensor::<4>::from_data(TensorData::new(limits, [batch, 1, 1, 1]), (&clean.device(), DType::F32))
            .cast(clean.dtype());
    let limits = limits.expand([batch, channels, height, width]);
    clean.max_pair(-limits.clone()).min_pair(limits.clone()) / limits
}

/// The quantile with linear interpolation, its rank computed in f32 as `torch.quantile` does.
fn quantile(mut values: Vec<f32>, ratio: f32) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let rank = ratio * (values.len() - 1) as f32;
    let (below, above) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
    below + (rank - rank.floor()) * (above - below)
}
