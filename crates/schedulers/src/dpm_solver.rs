//! What the multistep and the singlestep scheduler of DPM-Solver share: their options, and the step of a given order.

use crate::exponential::{Algorithm, Integrator};
use crate::linear::{Combination, Predicted};
use crate::prediction::Level;
use crate::preserving::End;
use crate::{FinalSigmas, SchedulerConfig, SchedulerError};

/// Which of two formulas is taken where the papers have two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Solver {
    Midpoint,
    Heun,
}

/// The options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DpmSolver {
    pub(crate) algorithm: Algorithm,
    pub(crate) solver: Solver,
    /// 1 to 3.
    pub(crate) order: usize,
    pub(crate) end: End,
}

/// A derivative as weights on the last three predictions, the newest first.
pub(crate) type Derivative = [f64; 3];

impl DpmSolver {
    /// What `config` says, for a class that knows `algorithms`.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        scheduler: &'static str,
        algorithms: &[(&str, Algorithm)],
    ) -> Result<Self, SchedulerError> {
        let algorithm = config.own_choice(scheduler, "algorithm_type", algorithms, &["deis"])?;
        let solvers = [("midpoint", Solver::Midpoint), ("heun", Solver::Heun)];
        let solver = config.own_choice(scheduler, "solver_type", &solvers, &["logrho", "bh1", "bh2"])?;
        let this = Self {
            algorithm: algorithm.unwrap_or(Algorithm::DATA),
            solver: solver.unwrap_or(Solver::Midpoint),
            order: config.solver_order(scheduler)?,
            end: match config.final_sigmas_type.unwrap_or(FinalSigmas::Zero) {
                FinalSigmas::Zero => End::Clean,
                FinalSigmas::SigmaMin => End::Lowest,
            },
        };
        if this.algorithm.predicted == Predicted::Noise && this.end == End::Clean {
            let supported = "with this algorithm_type only sigma_min is, or dpmsolver++";
            return Err(SchedulerError::unsupported(scheduler, "final_sigmas_type", "zero", supported));
        }
        match config.own::<String>("variance_type")? {
            Some(value) if value.starts_with("learned") => {
                let supported = "the networks here predict no variance";
                Err(SchedulerError::unsupported(scheduler, "variance_type", value, supported))
            }
            _ => Ok(this),
        }
    }

    /// From one level to another, with the prediction and, as far as they are known, its derivatives.
    pub(crate) fn step(&self, from: Level, to: Level, derivatives: &[Derivative]) -> Combination {
        let way = Integrator::new(self.algorithm, from, to);
        let phis = match derivatives {
            [_, _] if self.solver == Solver::Midpoint => [way.phi_1(), way.phi_1() / 2.0, 0.0],
            _ => [way.phi_1(), way.phi_2(), way.phi_3()],
        };
        let mut sum = [0.0; 3];
        for (derivative, phi) in derivatives.iter().zip(phis) {
            sum = add(sum, *derivative, phi);
        }
        way.step(sum.into_iter().take(derivatives.len()))
    }
}

/// `a` + `factor` · `b`.
pub(crate) fn add(a: Derivative, b: Derivative, factor: f64) -> Derivative {
    std::array::from_fn(|k| a[k] + factor * b[k])
}
