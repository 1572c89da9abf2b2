//! What a scheduler is: levels of noise to visit, and the step from one to the next.

use burn::Tensor;

use crate::{NoiseSource, SchedulerError};

/// How one generation samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplingOptions {
    /// Number of inference steps, from 1 (PNDM with Runge-Kutta steps: 4) to at most num_train_timesteps.
    pub steps: usize,
    /// Share of fresh noise in each DDIM step, 0 (deterministic) ..=1. Other schedulers take only 0.
    pub eta: f64,
}

impl SamplingOptions {
    /// The steps, if there are `least..=most` of them.
    pub(crate) fn steps_within(
        &self,
        scheduler: &'static str,
        least: usize,
        most: usize,
    ) -> Result<usize, SchedulerError> {
        if (least..=most).contains(&self.steps) {
            Ok(self.steps)
        } else {
            Err(SchedulerError::Steps { scheduler, steps: self.steps, least, most })
        }
    }

    /// For methods without fresh noise of their own.
    pub(crate) fn refuse_eta(&self, scheduler: &'static str) -> Result<(), SchedulerError> {
        if self.eta == 0.0 {
            Ok(())
        } else {
            Err(SchedulerError::Eta {
                scheduler,
                eta: self.eta,
                expected: "only ddim has one, here it must be 0",
            })
        }
    }
}

/// A method of sampling with its noise schedule; immutable and shared.
pub trait Scheduler: Send + Sync + std::fmt::Debug {
    /// Starts a generation: the value returned holds all that the method remembers between steps.
    ///
    /// # Errors
    /// Steps that the method does not take or the spacing cannot place, and an `eta` that the method has not.
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError>;
}

/// One generation under way.
///
/// Samples are `[batch, channels, height, width]`, in f32. An index counts [`timesteps`](Self::timesteps); one that is
/// not below their number is a mistake of the calling program, and panics.
pub trait Sampling {
    /// Timesteps in the order they are visited; some are visited twice (PNDM) or count two evaluations (Heun).
    fn timesteps(&self) -> &[f64];

    /// Factor on the standard normal noise that a generation starts from.
    fn init_noise_sigma(&self) -> f64 {
        1.0
    }

    /// What the network is shown of `sample` at `timesteps()[index]`.
    fn scale_model_input(&self, sample: Tensor<4>, _index: usize) -> Tensor<4> {
        sample
    }

    /// The sample after the evaluation at `timesteps()[index]`. Indices must come in order, each once.
    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        sample: Tensor<4>,
        noise: &mut dyn NoiseSource,
    ) -> Tensor<4>;

    /// `clean` with as much of `noise` as a sample has at `timesteps()[index]`.
    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4>;
}
