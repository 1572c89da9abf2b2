//! DPM2 with ancestral sampling: the midpoint method of `dpm2.rs` down to σ_down, then noise put back.
//!
//! As k-diffusion has it (`sample_dpm_2_ancestral`), with σ_down = σ'² / σ and σ_up of `euler_ancestral.rs`. The midpoint
//! in ln σ is then the next level itself:
//! ```text
//! x̃ = x + (σ' − σ) · ε̂(x, σ),   σ' = √(σ σ_down)
//! x' = x + (σ_down − σ) · ε̂(x̃, σ') + σ_up · z
//! ```

use crate::clipping::Clipping;
use crate::exploding::{Exploding, Stride, ancestral};
use crate::linear::{Combination, Step};
use crate::noise_schedule::DefaultBetas;
use crate::{Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

pub(crate) const NAME: &str = "dpm2-a";

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    let levels = Exploding::from_config(config, NAME, DefaultBetas::LATENT)?;
    Ok(Box::new(Dpm2Ancestral { levels: levels.with_whole_timesteps_for_karras() }))
}

#[derive(Debug)]
struct Dpm2Ancestral {
    levels: Exploding,
}

impl Scheduler for Dpm2Ancestral {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let levels = self.levels.levels(options.steps_within(NAME, 1, self.levels.train.len())?)?;
        Ok(levels.plan(levels.strides().flat_map(|stride| self.steps(stride)).collect()).begin())
    }
}

impl Dpm2Ancestral {
    fn steps(&self, stride: Stride) -> Vec<Step> {
        if stride.to == 0.0 {
            return vec![stride.euler()];
        }
        let (down, up) = ancestral(stride.from, stride.to);
        let whole = Combination { keep: 1.0, outputs: vec![down - stride.from], fresh: vec![up] };
        vec![stride.euler(), self.levels.by_way_of(stride.to, stride, whole)]
    }
}
