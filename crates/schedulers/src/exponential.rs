//! Exponential integrators: how the solvers of the DPM family get from one level to another.
//!
//! In λ = ln(signal / noise) a part of the diffusion equation is linear in the sample: it is solved exactly, and what the
//! network adds is expanded in powers of λ (DPM-Solver, arXiv 2206.00927, for ε̂; DPM-Solver++, arXiv 2211.01095, for
//! x̂₀, and for the stochastic equation). With h the difference in λ from level s to t, and the φₖ of exponential
//! integrators, φ₀ = eᶻ and φₖ₊₁ = (φₖ − 1/k!) / z:
//! ```text
//! x_t = keep · x_s − gain · Σₖ z φₖ(z) · D⁽ᵏ⁻¹⁾ + fresh · N(0, 1)
//!
//!                 keep                gain     z     fresh
//! of x̂₀           σ_t / σ_s           α_t     −h     0
//! of x̂₀, SDE      σ_t / σ_s · e⁻ʰ     α_t     −2h    σ_t √(1 − e⁻²ʰ)
//! of ε̂            α_t / α_s           σ_t      h     0
//! of ε̂, SDE       α_t / α_s           2 σ_t    h     σ_t √(e²ʰ − 1)
//! ```
//! α and σ are the shares of signal and noise. D⁽⁰⁾ is the network's prediction, D⁽¹⁾ its first derivative times h, and
//! so on: which differences stand for them is up to the method.

use crate::linear::{Combination, Predicted};
use crate::prediction::Level;

/// Which equation is solved, and for which prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub(crate) predicted: Predicted,
    /// The stochastic equation, with fresh noise in each step.
    pub(crate) stochastic: bool,
}

impl Algorithm {
    /// DPM-Solver++.
    pub(crate) const DATA: Self = Self { predicted: Predicted::Clean, stochastic: false };
    pub(crate) const DATA_SDE: Self = Self { stochastic: true, ..Self::DATA };
    /// DPM-Solver.
    pub(crate) const NOISE: Self = Self { predicted: Predicted::Noise, stochastic: false };
    pub(crate) const NOISE_SDE: Self = Self { stochastic: true, ..Self::NOISE };
}

/// The way from one level to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Integrator {
    keep: f64,
    gain: f64,
    pub(crate) z: f64,
    fresh: Option<f64>,
}

impl Integrator {
    pub(crate) fn new(algorithm: Algorithm, from: Level, to: Level) -> Self {
        let h = to.lambda() - from.lambda();
        let (keep, gain, z, fresh) = match (algorithm.predicted, algorithm.stochastic) {
            (Predicted::Clean, false) => (to.noise / from.noise, to.signal, -h, 0.0),
            (Predicted::Clean, true) => {
                let decay = libm::exp(-h);
                let fresh = to.noise * (1.0 - decay * decay).sqrt();
                (to.noise / from.noise * decay, to.signal, -2.0 * h, fresh)
            }
            (Predicted::Noise, false) => (to.signal / from.signal, to.noise, h, 0.0),
            (Predicted::Noise, true) => {
                let fresh = to.noise * libm::expm1(2.0 * h).sqrt();
                (to.signal / from.signal, 2.0 * to.noise, h, fresh)
            }
        };
        Self { keep, gain, z, fresh: algorithm.stochastic.then_some(fresh) }
    }

    /// Whether both levels are the same, so that nothing is left to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.z == 0.0
    }

    /// z φ₁(z).
    pub(crate) fn phi_1(&self) -> f64 {
        libm::expm1(self.z)
    }

    /// z φ₂(z).
    pub(crate) fn phi_2(&self) -> f64 {
        self.phi_1() / self.z - 1.0
    }

    /// z φ₃(z).
    pub(crate) fn phi_3(&self) -> f64 {
        self.phi_2() / self.z - 0.5
    }

    /// The step with the given sum of derivatives: weights on the last predictions, the newest first.
    pub(crate) fn step(&self, sum: impl IntoIterator<Item = f64>) -> Combination {
        let outputs = if self.is_idle() {
            Vec::new()
        } else {
            sum.into_iter().map(|weight| -self.gain * weight).collect()
        };
        Combination { keep: self.keep, outputs, fresh: self.fresh.into_iter().collect() }
    }
}
