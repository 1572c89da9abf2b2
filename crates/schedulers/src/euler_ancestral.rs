//! Ancestral sampling by Euler's method: at each step more noise is taken away than needed, and fresh noise put back.
//!
//! The split of a step from σ to σ' is that of DDPM (arXiv 2006.11239, equation 7) for x = x₀ + σ ε, as k-diffusion
//! has it (`sample_euler_ancestral`):
//! ```text
//! x' = x + (σ_down − σ) · ε̂ + σ_up · z,   z ~ N(0, 1)
//! σ_up² = σ'² (σ² − σ'²) / σ²,   σ_down² = σ'² − σ_up²
//! ```

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Stride, ancestral};
use crate::linear::{Combination, Step};
use crate::noise_schedule::DefaultBetas;
use crate::sigmas::Placement;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "euler-a";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    let levels = Exploding::with_placement(config, DefaultBetas::DDPM, Placement::AT_TIMESTEPS)?;
    Ok(Box::new(EulerAncestral { levels }))
}

#[derive(Debug)]
struct EulerAncestral {
    levels: Exploding,
}

impl Scheduler for EulerAncestral {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        Ok(levels.plan(levels.strides().map(step).collect()).begin())
    }
}

fn step(stride: Stride) -> Step {
    let (down, up) = ancestral(stride.from, stride.to);
    stride.step(Combination { keep: 1.0, outputs: vec![down - stride.from], fresh: vec![up] })
}
