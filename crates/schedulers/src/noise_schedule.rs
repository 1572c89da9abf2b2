//! How much signal is left at each timestep of training.
//!
//! The numbers are those of torch to the bit: everything in f32, the ends of a range counted from both sides with fused
//! multiply-adds (`torch.linspace`), products accumulated in f64 and each rounded to f32 (`torch.cumprod`).

use std::f64::consts::PI;
use std::fmt;

use crate::prediction::Level;
use crate::{BetaSchedule, PredictionType, SchedulerConfig, SchedulerError};

/// A config may come from anywhere, and a number in it must not fill the memory.
const MOST_TIMESTEPS: usize = 100_000;

/// What a class takes for betas that its config leaves out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DefaultBetas {
    start: f64,
    end: f64,
    schedule: BetaSchedule,
}

impl DefaultBetas {
    /// Of the DDPM paper (arXiv 2006.11239, section 4).
    pub(crate) const DDPM: Self = Self { start: 0.0001, end: 0.02, schedule: BetaSchedule::Linear };
    /// Between the ends that latent diffusion has, but not by its schedule: so some classes of the reference.
    pub(crate) const LATENT: Self = Self { start: 0.00085, end: 0.012, schedule: BetaSchedule::Linear };
    /// Of latent diffusion.
    pub(crate) const LATENT_SCALED: Self = Self { schedule: BetaSchedule::ScaledLinear, ..Self::LATENT };
}

/// ᾱ_t, the product of 1 − β up to t, for every timestep of training: the share of signal in the variance.
#[derive(Clone, PartialEq)]
pub(crate) struct NoiseSchedule {
    alphas_cumprod: Vec<f32>,
}

impl NoiseSchedule {
    /// The schedule of `config`, for a class with these defaults.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        defaults: DefaultBetas,
    ) -> Result<Self, SchedulerError> {
        let mut betas = betas(config, defaults)?;
        let rescale = config.rescale_betas_zero_snr.unwrap_or(false);
        if rescale {
            betas = rescale_to_zero_snr(&betas);
        }
        let alphas_cumprod = products(&betas);
        let last = alphas_cumprod.len() - 1;
        for (timestep, &alpha) in alphas_cumprod.iter().enumerate() {
            // Written so that a NaN fails.
            let both = alpha > 0.0 && alpha < 1.0;
            let no_signal_at_last = rescale && timestep == last && alpha == 0.0;
            if !(both || no_signal_at_last) {
                return Err(SchedulerError::DegenerateNoiseSchedule { timestep, alpha });
            }
        }
        Ok(Self { alphas_cumprod })
    }

    /// Number of timesteps of training.
    pub(crate) fn len(&self) -> usize {
        self.alphas_cumprod.len()
    }

    /// ᾱ_t.
    pub(crate) fn alpha(&self, timestep: usize) -> f64 {
        f64::from(self.alphas_cumprod[timestep])
    }

    /// Shares of signal and noise at `timestep`.
    pub(crate) fn level(&self, timestep: usize) -> Level {
        Level::from_alpha(self.alpha(timestep))
    }

    /// The same where a network predicts; refused where that could say nothing.
    pub(crate) fn level_seen(
        &self,
        timestep: usize,
        prediction: PredictionType,
        scheduler: &'static str,
    ) -> Result<Level, SchedulerError> {
        if self.alpha(timestep) == 0.0 && prediction == PredictionType::Epsilon {
            return Err(SchedulerError::NoSignal { scheduler, timestep });
        }
        Ok(self.level(timestep))
    }

    /// σ_t = √((1 − ᾱ_t) / ᾱ_t) in f32: the noise beside a signal of 1, rising.
    pub(crate) fn sigmas(&self) -> Vec<f32> {
        // Without signal σ would be infinite: the smallest number of f16 stands for 0, as in the reference.
        const NEXT_TO_NONE: f32 = 1.0 / 16_777_216.0;
        let alphas = self.alphas_cumprod.iter();
        alphas.map(|&a| if a == 0.0 { NEXT_TO_NONE } else { a }).map(|a| ((1.0 - a) / a).sqrt()).collect()
    }
}

impl fmt::Debug for NoiseSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoiseSchedule({} timesteps)", self.len())
    }
}

fn betas(config: &SchedulerConfig, defaults: DefaultBetas) -> Result<Vec<f32>, SchedulerError> {
    let count = config.num_train_timesteps.unwrap_or(1000);
    if !(1..=MOST_TIMESTEPS).contains(&count) {
        let expected = format!("expected 1 to {MOST_TIMESTEPS}");
        return Err(SchedulerError::wrong_value("num_train_timesteps", count, expected));
    }
    if let Some(betas) = &config.trained_betas {
        if betas.len() != count {
            let expected = format!("expected num_train_timesteps of them, {count}");
            return Err(SchedulerError::wrong_value(
                "trained_betas",
                format!("{} numbers", betas.len()),
                expected,
            ));
        }
        return betas.iter().map(|&beta| share("trained_betas", beta).map(|beta| beta as f32)).collect();
    }
    let start = share("beta_start", config.beta_start.unwrap_or(defaults.start))?;
    let end = share("beta_end", config.beta_end.unwrap_or(defaults.end))?;
    Ok(match config.beta_schedule.unwrap_or(defaults.schedule) {
        BetaSchedule::Linear => linspace(start as f32, end as f32, count),
        BetaSchedule::ScaledLinear => {
            let roots = linspace(start.sqrt() as f32, end.sqrt() as f32, count);
            roots.into_iter().map(|root| root * root).collect()
        }
        BetaSchedule::SquaredcosCapV2 => squared_cosine(count),
    })
}

fn share(key: &str, beta: f64) -> Result<f64, SchedulerError> {
    if (0.0..=1.0).contains(&beta) {
        Ok(beta)
    } else {
        Err(SchedulerError::wrong_value(key, beta, "expected 0 to 1"))
    }
}

/// `torch.linspace` in f32.
fn linspace(start: f32, end: f32, count: usize) -> Vec<f32> {
    let stride = (end - start) / (count - 1).max(1) as f32;
    let from_start = |i: usize| stride.mul_add(i as f32, start);
    let from_end = |i: usize| (-stride).mul_add((count - 1 - i) as f32, end);
    // The middle of an odd count is counted from the end; so would be the only one of one, which torch takes as start.
    let half = if count == 1 { 1 } else { count / 2 };
    (0..count).map(|i| if i < half { from_start(i) } else { from_end(i) }).collect()
}

/// β so that ᾱ falls as a squared cosine, capped at 0.999 (arXiv 2102.09672, equation 17).
fn squared_cosine(count: usize) -> Vec<f32> {
    let alpha_bar = |i: usize| {
        let t = i as f64 / count as f64;
        let cosine = libm::cos((t + 0.008) / 1.008 * PI / 2.0);
        cosine * cosine
    };
    (0..count).map(|i| (1.0 - alpha_bar(i + 1) / alpha_bar(i)).min(0.999) as f32).collect()
}

/// The products of 1 − β.
fn products(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0;
    let alphas = betas.iter().map(|&beta| f64::from(1.0 - beta));
    alphas
        .map(|alpha| {
            product *= alpha;
            product as f32
        })
        .collect()
}

/// Algorithm 1 of arXiv 2305.08891: √ᾱ shifted to end at 0, and scaled to begin where it began.
fn rescale_to_zero_snr(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = products(betas).into_iter().map(f32::sqrt).collect();
    let (first, last) = (roots[0], roots[roots.len() - 1]);
    let scale = first / (first - last);
    let alphas_cumprod = roots.into_iter().map(|root| {
        let root = (root - last) * scale;
        root * root
    });
    let mut before = 1.0;
    alphas_cumprod
        .map(|product| {
            let alpha = product / before;
            before = product;
            1.0 - alpha
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use gligen_testkit::Fixture;

    use super::{DefaultBetas, NoiseSchedule};
    use crate::SchedulerConfig;

    fn schedule(json: &str) -> NoiseSchedule {
        NoiseSchedule::from_config(&SchedulerConfig::from_json(json).unwrap(), DefaultBetas::DDPM).unwrap()
    }

    const SCALED: &str = r#""beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012"#;

    #[test]
    fn schedules_equal_torch_to_the_bit() {
        let fixture = Fixture::open("noise_schedule");
        for (name, json) in [
            ("linear_default", "{}".into()),
            ("linear", r#"{"beta_schedule": "linear", "beta_start": 0.00085, "beta_end": 0.012}"#.into()),
            ("scaled_linear", format!("{{{SCALED}}}")),
            ("squaredcos_cap_v2", r#"{"beta_schedule": "squaredcos_cap_v2"}"#.into()),
        ] {
            let ours = schedule(&json).alphas_cumprod;
            let theirs = fixture.floats(name);
            let different = ours.iter().zip(&theirs).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            assert_eq!((ours.len(), different), (theirs.len(), 0), "{name}");
        }
    }

    /// Here torch takes square roots by a vector library that is not always right in the last bit.
    #[test]
    fn the_rescaled_schedule_equals_torch_but_for_the_last_bits() {
        let ours = schedule(&format!("{{{SCALED}, \"rescale_betas_zero_snr\": true}}")).alphas_cumprod;
        let theirs = Fixture::open("noise_schedule").floats("scaled_linear_zero_snr");
        assert_eq!((ours.len(), ours[999], theirs[999]), (theirs.len(), 0.0, 0.0));
        for (timestep, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() <= 1e-6 * b, "{timestep}: {a} and {b}");
        }
    }

    #[test]
    fn trained_betas_are_taken_as_they_are() {
        let schedule = schedule(r#"{"num_train_timesteps": 3, "trained_betas": [0.5, 0.5, 0.75]}"#);
        assert_eq!(schedule.alphas_cumprod, [0.5, 0.25, 0.0625]);
    }
}
