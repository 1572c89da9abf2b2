//! DEIS: the noise extrapolated by a polynomial in ln σ, and integrated exactly (arXiv 2204.13902; the variant that configs
//! call `logrho`).
//!
//! With σ = noise / signal, and ε̂ₖ the last predictions at σₖ, the newest first:
//! ```text
//! x_t = α_t · (x / α₀ + Σₖ cₖ · ε̂ₖ),   cₖ = ∫ Lₖ(ln σ) dσ from σ₀ to σ_t,
//! ```
//! Lₖ the polynomial that is 1 at ln σₖ and 0 at the others.

use crate::linear::{Combination, Predicted};
use crate::preserving::{End, Preserving};
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "deis";

/// Runs shorter than this take lower orders at their end.
const SHORT: usize = 15;

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    config.own_choice(NAME, "algorithm_type", &[("deis", ())], &["dpmsolver", "dpmsolver++"])?;
    let foreign = ["midpoint", "heun", "bh1", "bh2"];
    config.own_choice(NAME, "solver_type", &[("logrho", ())], &foreign)?;
    Ok(Box::new(Deis {
        levels: Preserving::from_config(config, NAME, End::LastOfRamp)?,
        order: config.solver_order(NAME)?,
        lower_order_final: config.own("lower_order_final")?.unwrap_or(true),
    }))
}

#[derive(Debug)]
struct Deis {
    levels: Preserving,
    order: usize,
    lower_order_final: bool,
}

impl Scheduler for Deis {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let levels = self.levels.levels(options)?;
        let count = levels.len();
        let steps = (0..count).map(|index| {
            let lowered = self.lower_order_final && count < SHORT;
            let most = if lowered { count - index } else { self.order };
            let (to, from) = levels.looking_back(index, self.order.min(most));
            let sigmas: Vec<f64> = from.iter().map(|level| level.sigma()).collect();
            let weights = (0..sigmas.len()).map(|k| to.signal * integral(&sigmas, k, to.sigma()));
            let keep = to.signal / from[0].signal;
            levels.step(index, Combination::deterministic(keep, weights.collect::<Vec<_>>()))
        });
        Ok(self.levels.plan(steps.collect(), Predicted::Noise).begin())
    }
}

/// The integral from the first node to `end` over σ of the polynomial in ln σ that is 1 at node `k` and 0 at the others,
/// of which there are two at most.
fn integral(nodes: &[f64], k: usize, end: f64) -> f64 {
    let others: Vec<f64> = (0..nodes.len()).filter(|j| *j != k).map(|j| libm::log(nodes[j])).collect();
    let scale: f64 = others.iter().map(|other| libm::log(nodes[k]) - other).product();
    // What has the derivative Π (ln σ − other).
    let antiderivative = |sigma: f64| {
        let log = libm::log(sigma);
        match others[..] {
            [] => sigma,
            [a] => sigma * (log - 1.0 - a),
            [a, b, ..] => sigma * ((log - a) * (log - b) - (2.0 * log - a - b) + 2.0),
        }
    };
    (antiderivative(end) - antiderivative(nodes[0])) / scale
}
