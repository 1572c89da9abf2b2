//! DPM-Solver (arXiv 2206.00927, algorithms 1 and 2) and DPM-Solver++ (arXiv 2211.01095, algorithm 1) in singlestep form:
//! steps of second and third order by way of one or two levels between their ends, which are levels of the run.
//!
//! A block of k levels takes k evaluations. Each goes on from the block's first sample, to the next level, by the
//! order that the evaluations so far allow. With λ₀ the level of the block's first prediction p₀, λᵢ and pᵢ those
//! after it, h = λ_t − λ₀, and rᵢ = (λᵢ − λ₀) / h:
//! ```text
//! first order:   D⁽⁰⁾ = p₀
//! second order:  D⁽⁰⁾ = p₀   D⁽¹⁾ = d₁
//! third order:   D⁽⁰⁾ = p₀   D⁽¹⁾ = d₂ (midpoint), or
//!                            D⁽¹⁾ = (r₂ d₁ − r₁ d₂) / (r₂ − r₁)   D⁽²⁾ = 2 (d₂ − d₁) / (r₂ − r₁) (heun)
//!                with dᵢ = (pᵢ − p₀) / rᵢ
//! ```
//! into the step of `exponential.rs`.

use crate::dpm_solver::{Derivative, DpmSolver, Solver, add};
use crate::exponential::Algorithm;
use crate::linear::{Start, Step};
use crate::preserving::{End, Preserving};
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError, TimestepSpacing};

pub(crate) const NAME: &str = "dpmpp-2s";

const ALGORITHMS: [(&str, Algorithm); 3] = [
    ("dpmsolver++", Algorithm::DATA),
    ("sde-dpmsolver++", Algorithm::DATA_SDE),
    ("dpmsolver", Algorithm::NOISE),
];

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    let method = DpmSolver::from_config(config, NAME, &ALGORITHMS)?;
    // The class has no spacing to choose.
    let placed = config.with(|config| {
        config.timestep_spacing = Some(TimestepSpacing::Linspace);
        config.steps_offset = None;
    });
    Ok(Box::new(DpmSinglestep {
        levels: Preserving::from_config(&placed, NAME, method.end)?.clipped(config)?,
        method,
        lower_order_final: config.own("lower_order_final")?.unwrap_or(false),
    }))
}

#[derive(Debug)]
struct DpmSinglestep {
    levels: Preserving,
    method: DpmSolver,
    lower_order_final: bool,
}

impl Scheduler for DpmSinglestep {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let levels = self.levels.levels(options)?;
        let steps = self.orders(levels.len()).into_iter().enumerate().map(|(index, order)| {
            let (to, mut from) = levels.looking_back(index, order);
            from.reverse(); // the block's first level first
            let h = to.lambda() - from[0].lambda();
            let ratios: Vec<f64> =
                from[1..].iter().map(|level| (level.lambda() - from[0].lambda()) / h).collect();
            let step = self.method.step(from[0], to, &derivatives(&ratios, self.method.solver));
            let start = if order == 1 { Start::Here } else { Start::Before };
            Step { start, ..levels.step(index, step) }
        });
        Ok(self.levels.plan(steps.collect(), self.method.algorithm.predicted).begin())
    }
}

impl DpmSinglestep {
    /// The order of each step: 1, 2, … in each block.
    fn orders(&self, count: usize) -> Vec<usize> {
        let whole = self.method.order;
        let mut orders: Vec<usize> = (0..count).map(|index| index % whole + 1).collect();
        let lowered = self.lower_order_final && count.is_multiple_of(whole);
        if lowered || self.method.end == End::Clean {
            orders[count - 1] = 1;
        }
        orders
    }
}

/// D⁽⁰⁾, and those after it that the distances of later predictions in the block allow.
fn derivatives(ratios: &[f64], solver: Solver) -> Vec<Derivative> {
    match *ratios {
        [] => vec![[1.0, 0.0, 0.0]],
        [r1] => vec![[0.0, 1.0, 0.0], [1.0 / r1, -1.0 / r1, 0.0]],
        [r1, r2, ..] => {
            let prediction = [0.0, 0.0, 1.0];
            let near = [0.0, 1.0 / r1, -1.0 / r1];
            let far = [1.0 / r2, 0.0, -1.0 / r2];
            match solver {
                Solver::Midpoint => vec![prediction, far, [0.0; 3]],
                Solver::Heun => {
                    let slope = add(add([0.0; 3], near, r2 / (r2 - r1)), far, -r1 / (r2 - r1));
                    let bend = add([0.0; 3], add(far, near, -1.0), 2.0 / (r2 - r1));
                    vec![prediction, slope, bend]
                }
            }
        }
    }
}
