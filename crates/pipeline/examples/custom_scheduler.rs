//! A scheduler of one's own.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example custom_scheduler
//! ```
//!
//! A [`Scheduler`] says which timesteps a run visits, and how the sample gets from one to the next. This one takes the
//! straight step of DDIM, but its timesteps lie closer together towards the end, where details are painted.

use std::ops::ControlFlow;
use std::sync::Arc;

use burn::Tensor;
use gligen_pipeline::{Object, Pipeline, Request, device};
use gligen_schedulers::{NoiseSource, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError};

/// What does not change: one serves any number of runs at once.
#[derive(Debug)]
struct LateSteps {
    /// The share of signal at each timestep of training.
    alphas_cumprod: Vec<f64>,
}

impl LateSteps {
    /// For the noise that a model was trained on: Stable Diffusion's betas, evenly spaced in their square roots.
    fn new(config: &SchedulerConfig) -> Self {
        let trained = config.num_train_timesteps.unwrap_or(1000);
        let [start, end] =
            [config.beta_start.unwrap_or(0.00085), config.beta_end.unwrap_or(0.012)].map(f64::sqrt);
        let beta = |t: usize| (start + (end - start) * t as f64 / (trained - 1) as f64).powi(2);
        let mut product = 1.0;
        let alphas_cumprod = (0..trained).map(|t| {
            product *= 1.0 - beta(t);
            product
        });
        Self { alphas_cumprod: alphas_cumprod.collect() }
    }
}

impl Scheduler for LateSteps {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        let SamplingOptions { steps, .. } = *options;
        let last = self.alphas_cumprod.len() - 1;
        let share = |index: usize| 1.0 - index as f64 / steps as f64; // from 1 down, never 0
        let timesteps: Vec<usize> =
            (0..steps).map(|index| (share(index).powi(2) * last as f64) as usize).collect();
        let mut alphas: Vec<f64> = timesteps.iter().map(|&t| self.alphas_cumprod[t]).collect();
        alphas.push(1.0); // nothing but signal in the end
        Ok(Box::new(Run { timesteps: timesteps.into_iter().map(|t| t as f64).collect(), alphas }))
    }
}

/// One run. What a method remembers from step to step would be in here.
struct Run {
    timesteps: Vec<f64>,
    /// The share of signal at each of them, and at the end.
    alphas: Vec<f64>,
}

impl Sampling for Run {
    fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    /// `model_output` is the noise that the network sees in `sample`, `[pictures, channels, height, width]`.
    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        sample: Tensor<4>,
        _noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        let [here, next] = [self.alphas[index], self.alphas[index + 1]];
        let clean = (sample - model_output.clone() * (1.0 - here).sqrt()) / here.sqrt();
        clean * next.sqrt() + model_output * (1.0 - next).sqrt()
    }

    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4> {
        let alpha = self.alphas[index];
        clean * alpha.sqrt() + noise * (1.0 - alpha).sqrt()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pipeline = Pipeline::built_in(&device::parse("flex")?)?;
    let scheduler = Arc::new(LateSteps::new(&pipeline.parts().scheduler));
    let pipeline = pipeline.with_scheduler(scheduler);
    let request = Request::new("a rocket and a star on a black background")
        .object(Object::phrase("a rocket", [0.1, 0.1, 0.5, 0.8]))
        .object(Object::phrase("a star", [0.65, 0.1, 0.9, 0.35]))
        .steps(20)
        .seed(1);
    let output = pipeline.generate(&request, |_| ControlFlow::Continue(()))?;
    output.images[0].save("late-steps.png")?;
    Ok(())
}
