//! DPM-Solver (arXiv 2206.00927) and DPM-Solver++ (arXiv 2211.01095, algorithm 2) in multistep form: derivatives from the
//! last predictions.
//!
//! With λ₀, λ₁, λ₂ the levels of the last predictions m₀, m₁, m₂, h = λ_t − λ₀, and rₖ = (λₖ − λₖ₊₁) / h:
//! ```text
//! second order:  D⁽⁰⁾ = m₀   D⁽¹⁾ = (m₀ − m₁) / r₀
//! third order:   D⁽⁰⁾ = m₀   D⁽¹⁾ = d₀ + r₀ / (r₀ + r₁) · (d₀ − d₁)   D⁽²⁾ = (d₀ − d₁) / (r₀ + r₁)
//!                with d₀ = (m₀ − m₁) / r₀ and d₁ = (m₁ − m₂) / r₁
//! ```
//! into the step of `exponential.rs`.
//!
//! In the third order of the stochastic equation the reference (diffusers 0.42) has −½ in φ₃ where the expansion has
//! +½, so that D⁽²⁾ would count even in the smallest step. Here it is as in the expansion and in k-diffusion
//! (`sample_dpmpp_3m_sde`).

use crate::dpm_solver::{Derivative, DpmSolver, add};
use crate::exponential::Algorithm;
use crate::preserving::{End, Preserving, Whole};
use crate::{BetaSchedule, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "dpmpp-2m";

const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("dpmsolver++", Algorithm::DATA),
    ("sde-dpmsolver++", Algorithm::DATA_SDE),
    ("dpmsolver", Algorithm::NOISE),
    ("sde-dpmsolver", Algorithm::NOISE_SDE),
];

/// Runs shorter than this take lower orders at their end.
const SHORT: usize = 15;

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    let method = DpmSolver::from_config(config, NAME, &ALGORITHMS)?;
    if method.order == 3 && method.algorithm == Algorithm::NOISE_SDE {
        let supported = "with algorithm_type sde-dpmsolver 1 and 2 are, or sde-dpmsolver++";
        return Err(SchedulerError::unsupported(NAME, "solver_order", 3, supported));
    }
    let levels = if config.own("use_lu_lambdas")?.unwrap_or(false) {
        let others = [config.use_karras_sigmas, config.use_exponential_sigmas, config.use_beta_sigmas];
        if others.contains(&Some(true)) {
            let supported = "not beside use_karras_sigmas, use_exponential_sigmas or use_beta_sigmas = true";
            return Err(SchedulerError::unsupported(NAME, "use_lu_lambdas", true, supported));
        }
        // Evenly in λ: what is called exponential, but told in the nearest timesteps.
        let config = config.with(|config| config.use_exponential_sigmas = Some(true));
        Preserving::from_config(&config, NAME, method.end)?.telling(Whole::Nearest)
    } else {
        Preserving::from_config(config, NAME, method.end)?
    };
    // An exception of the reference.
    let cosine = config.beta_schedule == Some(BetaSchedule::SquaredcosCapV2);
    let levels = if cosine { levels.telling(Whole::Below) } else { levels };
    Ok(Box::new(DpmMultistep {
        levels: levels.clipped(config)?,
        method,
        lower_order_final: config.own("lower_order_final")?.unwrap_or(true),
        euler_at_final: config.own("euler_at_final")?.unwrap_or(false),
    }))
}

#[derive(Debug)]
struct DpmMultistep {
    levels: Preserving,
    method: DpmSolver,
    lower_order_final: bool,
    euler_at_final: bool,
}

impl Scheduler for DpmMultistep {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let levels = self.levels.levels(options)?;
        let steps = (0..levels.len()).map(|index| {
            let (to, from) = levels.looking_back(index, self.order(index, levels.len()));
            let h = to.lambda() - from[0].lambda();
            let ratios: Vec<f64> =
                from.windows(2).map(|pair| (pair[0].lambda() - pair[1].lambda()) / h).collect();
            levels.step(index, self.method.step(from[0], to, &derivatives(&ratios)))
        });
        Ok(self.levels.plan(steps.collect(), self.method.algorithm.predicted).begin())
    }
}

impl DpmMultistep {
    fn order(&self, index: usize, count: usize) -> usize {
        let lowered = self.lower_order_final && count < SHORT;
        let most = match count - index {
            1 if lowered || self.euler_at_final || self.method.end == End::Clean => 1,
            2 if lowered => 2,
            _ => 3,
        };
        self.method.order.min(most).min(index + 1)
    }
}

/// D⁽⁰⁾, and as many more as there are distances to predictions before.
fn derivatives(ratios: &[f64]) -> Vec<Derivative> {
    let prediction = [1.0, 0.0, 0.0];
    match *ratios {
        [] => vec![prediction],
        [r0] => vec![prediction, [1.0 / r0, -1.0 / r0, 0.0]],
        [r0, r1, ..] => {
            let newer = [1.0 / r0, -1.0 / r0, 0.0];
            let older = [0.0, 1.0 / r1, -1.0 / r1];
            let bend = add(newer, older, -1.0);
            vec![prediction, add(newer, bend, r0 / (r0 + r1)), add([0.0; 3], bend, 1.0 / (r0 + r1))]
        }
    }
}
