//! Linear multistep of order four: Adams and Bashforth's method on the noise level σ, for levels at any distance.
//!
//! The slope ε̂ is taken for the polynomial through its last four values, and integrated exactly, as k-diffusion does
//! (`sample_lms`):
//! ```text
//! x' = x + Σₖ cₖ · ε̂ᵢ₋ₖ,   cₖ = ∫ Lₖ(σ) dσ from σᵢ to σᵢ₊₁,   Lₖ the polynomial that is 1 at σᵢ₋ₖ and 0 at the others
//! ```

use crate::clipping::Clipping;
use crate::exploding::Exploding;
use crate::linear::Combination;
use crate::noise_schedule::DefaultBetas;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "lms";

const ORDER: usize = 4;

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    Ok(Box::new(Lms { levels: Exploding::from_config(config, NAME, DefaultBetas::DDPM)? }))
}

#[derive(Debug)]
struct Lms {
    levels: Exploding,
}

impl Scheduler for Lms {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        let steps = levels.strides().enumerate().map(|(i, stride)| {
            // The newest first.
            let nodes: Vec<f64> = levels.sigmas[..=i].iter().rev().take(ORDER).copied().collect();
            let weights = (0..nodes.len()).map(|k| integral(&nodes, k, stride.to)).collect::<Vec<_>>();
            stride.step(Combination::deterministic(1.0, weights))
        });
        Ok(levels.plan(steps.collect()).begin())
    }
}

/// The integral from the first node to `end` of the polynomial that is 1 at node `k` and 0 at the others.
///
/// By Gauss and Legendre's rule of two points, which is exact up to the third degree.
fn integral(nodes: &[f64], k: usize, end: f64) -> f64 {
    let polynomial = |x: f64| {
        let others = nodes.iter().enumerate().filter(|(j, _)| *j != k);
        others.map(|(_, node)| (x - node) / (nodes[k] - node)).product::<f64>()
    };
    let half = (end - nodes[0]) / 2.0;
    let middle = nodes[0] + half;
    let offset = half / 3f64.sqrt();
    half * (polynomial(middle - offset) + polynomial(middle + offset))
}
