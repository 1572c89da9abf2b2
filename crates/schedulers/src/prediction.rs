//! What the network's output means: noise, velocity or the clean sample.

use burn::Tensor;
use serde::{Deserialize, Serialize};

/// What a network was trained to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise ε.
    Epsilon,
    /// The velocity v = √ᾱ ε − √(1−ᾱ) x₀ (arXiv 2202.00512, appendix D).
    VPrediction,
    /// The clean sample x₀.
    Sample,
}

/// How much signal and noise a sample holds: x = signal · x₀ + noise · ε, with signal² + noise² = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    pub(crate) signal: f64,
    pub(crate) noise: f64,
}

impl Level {
    /// From ᾱ, the share of signal in the variance.
    pub(crate) fn from_alpha(alpha: f64) -> Self {
        Self { signal: alpha.sqrt(), noise: (1.0 - alpha).sqrt() }
    }

    /// From σ, the noise beside a signal of 1.
    pub(crate) fn from_sigma(sigma: f64) -> Self {
        let signal = 1.0 / (sigma * sigma + 1.0).sqrt();
        Self { signal, noise: sigma * signal }
    }

    /// σ, the noise beside a signal of 1.
    pub(crate) fn sigma(self) -> f64 {
        self.noise / self.signal
    }

    /// λ = ln(signal / noise), half of the logarithm of the signal-to-noise ratio (arXiv 2206.00927).
    pub(crate) fn lambda(self) -> f64 {
        libm::log(self.signal) - libm::log(self.noise)
    }

    /// `clean` and `noise` mixed at this level.
    pub(crate) fn mix(self, clean: Tensor<4>, noise: Tensor<4>) -> Tensor<4> {
        clean * self.signal + noise * self.noise
    }
}

impl PredictionType {
    /// x̂₀, the clean sample that `output` amounts to for a `sample` at `level`.
    pub(crate) fn clean(self, output: Tensor<4>, sample: Tensor<4>, level: Level) -> Tensor<4> {
        match self {
            Self::Epsilon => (sample - output * level.noise) / level.signal,
            Self::VPrediction => sample * level.signal - output * level.noise,
            Self::Sample => output,
        }
    }

    /// ε̂, the noise that `output` amounts to for a `sample` at `level`.
    pub(crate) fn noise(self, output: Tensor<4>, sample: Tensor<4>, level: Level) -> Tensor<4> {
        match self {
            Self::Epsilon => output,
            Self::VPrediction => output * level.signal + sample * level.noise,
            Self::Sample => (sample - output * level.signal) / level.noise,
        }
    }
}
