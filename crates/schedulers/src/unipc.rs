//! UniPC: a predictor and a corrector of any order from one formula (arXiv 2302.04867, section 3).
//!
//! With λ₀, λ₁, … the levels of the last predictions m₀, m₁, …, h = λ_t − λ₀, rₖ = (λₖ − λ₀) / h and Dₖ = (mₖ − m₀) / rₖ,
//! in the terms of `exponential.rs`:
//! ```text
//! x_t = keep · x − gain · (z φ₁(z) · m₀ + B · Σₖ ρₖ Dₖ),   Σₖ rₖⁱ⁻¹ ρₖ = i! z φᵢ₊₁(z) / B,   i = 1, 2, …
//! ```
//! B is z for bh1 and eᶻ − 1 for bh2. The predictor of order p has k = 1 … p − 1. The corrector adds the prediction at
//! λ_t itself, where r = 1, once the network has made it; it goes from the sample where the step began.

use crate::exponential::{Algorithm, Integrator};
use crate::linear::{Combination, Predicted, Step};
use crate::preserving::{End, Levels, Preserving};
use crate::{FinalSigmas, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "unipc";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    config.refuse_own(NAME, "solver_p", "null is: the predictor is UniP")?;
    let algorithm =
        if config.own("predict_x0")?.unwrap_or(true) { Algorithm::DATA } else { Algorithm::NOISE };
    if algorithm.predicted == Predicted::Noise && config.thresholding == Some(true) {
        return Err(SchedulerError::unsupported(NAME, "thresholding", true, "only with predict_x0 = true"));
    }
    let end = match config.final_sigmas_type.unwrap_or(FinalSigmas::Zero) {
        FinalSigmas::Zero => End::Clean,
        FinalSigmas::SigmaMin => End::LastOfRamp,
    };
    let lower_order_final = config.own("lower_order_final")?.unwrap_or(true);
    if end == End::Clean && (algorithm.predicted == Predicted::Noise || !lower_order_final) {
        let supported = "with predict_x0 = false or lower_order_final = false only sigma_min is";
        return Err(SchedulerError::unsupported(NAME, "final_sigmas_type", "zero", supported));
    }
    let scales = [("bh1", Scale::Bh1), ("bh2", Scale::Bh2)];
    let scale = config.own_choice(NAME, "solver_type", &scales, &["midpoint", "heun", "logrho"])?;
    Ok(Box::new(UniPc {
        levels: Preserving::from_config(config, NAME, end)?,
        algorithm,
        scale: scale.unwrap_or(Scale::Bh2),
        order: config.solver_order(NAME)?,
        lower_order_final,
        uncorrected: config.own("disable_corrector")?.unwrap_or_default(),
    }))
}

/// B, which is any function of z that is like z where z is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Bh1,
    Bh2,
}

#[derive(Debug)]
struct UniPc {
    levels: Preserving,
    algorithm: Algorithm,
    scale: Scale,
    order: usize,
    lower_order_final: bool,
    /// Steps, counted from 0, that are not corrected.
    uncorrected: Vec<usize>,
}

impl Scheduler for UniPc {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let levels = self.levels.levels(options)?;
        let steps = (0..levels.len()).map(|index| {
            let before = index.checked_sub(1).filter(|before| !self.uncorrected.contains(before));
            Step {
                corrector: before.map(|before| self.step(&levels, before, true)),
                ..levels.step(index, self.step(&levels, index, false))
            }
        });
        Ok(self.levels.plan(steps.collect(), self.algorithm.predicted).begin())
    }
}

impl UniPc {
    /// The step of `index`, foreseen or corrected.
    fn step(&self, levels: &Levels, index: usize, corrected: bool) -> Combination {
        let left = levels.len() - index;
        let order = if self.lower_order_final { self.order.min(left) } else { self.order }.min(index + 1);
        let (to, from) = levels.looking_back(index, order);
        let way = Integrator::new(self.algorithm, from[0], to);

        let h = to.lambda() - from[0].lambda();
        let before = from[1..].iter().map(|level| (level.lambda() - from[0].lambda()) / h);
        let ratios: Vec<f64> = before.chain(corrected.then_some(1.0)).collect();
        let b = match self.scale {
            Scale::Bh1 => way.z,
            Scale::Bh2 => way.phi_1(),
        };
        let rhos = match ratios[..] {
            // With one unknown the conditions are two: the authors take the one that does not depend on h.
            [_] => vec![0.5],
            _ => rhos(&way, &ratios, b),
        };
        let mut weights: Vec<f64> = ratios.iter().zip(rhos).map(|(ratio, rho)| b * rho / ratio).collect();
        // What is newer than m₀ comes first: only the corrector has such a prediction, the last of the ratios.
        let newest = if corrected { weights.pop() } else { None };
        let own = way.phi_1() - weights.iter().chain(&newest).sum::<f64>();
        way.step(newest.into_iter().chain([own]).chain(weights))
    }
}

/// The ρₖ that meet as many of the conditions as there are ratios.
///
/// The matrix is Vandermonde's: ρₖ are the right sides weighted with the coefficients of the polynomial that is 1 at rₖ
/// and 0 at the others.
fn rhos(way: &Integrator, ratios: &[f64], b: f64) -> Vec<f64> {
    let (mut phi, mut factorial) = (way.phi_1(), 1.0);
    let right = (1..=ratios.len()).map(|i| {
        factorial *= i as f64;
        phi = phi / way.z - 1.0 / factorial;
        factorial * phi / b
    });
    let right: Vec<f64> = right.collect();
    let rho = |k: usize| {
        let mut polynomial = vec![1.0]; // coefficients, the constant first
        for (_, root) in ratios.iter().enumerate().filter(|(j, _)| *j != k) {
            let lower = std::iter::once(&0.0).chain(&polynomial);
            let same = polynomial.iter().chain(&[0.0]);
            polynomial = lower.zip(same).map(|(l, s)| (l - root * s) / (ratios[k] - root)).collect();
        }
        polynomial.iter().zip(&right).map(|(coefficient, right)| coefficient * right).sum()
    };
    (0..ratios.len()).map(rho).collect()
}
