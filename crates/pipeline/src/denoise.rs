//! The one denoising loop.

use std::fmt;
use std::ops::ControlFlow;

use burn::Tensor;
use gligen_components::{Conditioning, Denoising};
use gligen_schedulers::{NoiseSource, Sampling, SamplingOptions, SeededNoise, TorchNoise};

use crate::{Compat, Error, MAX_OBJECTS, Output, Pipeline, Plan, grounding, output, prompt};

/// What a run tells while it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Something that the user should know; the run goes on.
    Warning(&'a Warning),
    /// One evaluation of the network is done.
    Step {
        /// Which one, from 1.
        step: usize,
        /// Of so many: a scheduler may need more evaluations than steps.
        of: usize,
        /// The latents after it, `[pictures, channels, height, width]`.
        latents: &'a Tensor<4>,
    },
}

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A text is longer than the encoder's window.
    Truncated {
        /// The text.
        text: String,
        /// The words that were left out.
        lost: String,
    },
    /// There are more objects than the model has slots.
    TooManyObjects {
        /// Objects given.
        found: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { lost, .. } => {
                write!(f, "a text is longer than the text encoder's window; left out: `{lost}`")
            }
            Self::TooManyObjects { found } => {
                write!(f, "{found} objects given; only the first {MAX_OBJECTS} are used")
            }
        }
    }
}

/// Runs `plan` from texts to pictures.
pub(crate) fn run(
    pipeline: &Pipeline,
    plan: &Plan,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Output, Error> {
    let mut sampling = begin_sampling(pipeline, plan)?;
    let conditioning = condition(pipeline, plan, &mut |warning| {
        let _ = progress(Progress::Warning(&warning)); // a warning is no place to stop
    })?;
    let mut denoising = pipeline.denoiser.begin(&conditioning).map_err(denoiser_error)?;
    let mut noise = noise_source(plan);

    let start = match &plan.request.latents {
        Some(latents) => latents.clone().to_device(&pipeline.device),
        None => noise.normal(plan.latents_shape, &pipeline.device),
    };
    let start = start * sampling.init_noise_sigma();
    let latents = denoise(start, plan, sampling.as_mut(), denoising.as_mut(), noise.as_mut(), progress)?;
    output::decode(plan, latents, pipeline.autoencoder.as_ref())
}

fn begin_sampling(pipeline: &Pipeline, plan: &Plan) -> Result<Box<dyn Sampling>, Error> {
    let scheduler = pipeline.scheduler.build(plan.request.scheduler)?;
    Ok(scheduler.begin(&SamplingOptions { steps: plan.steps, eta: plan.request.eta })?)
}

/// What is the same at every step.
fn condition(pipeline: &Pipeline, plan: &Plan, warn: &mut dyn FnMut(Warning)) -> Result<Conditioning, Error> {
    let encoder = pipeline.text_encoder.as_ref();
    let encoder_hidden_states = prompt::encode(plan, encoder, warn)?;
    let grounding = match pipeline.denoiser.grounding_width() {
        Some(_) => Some(grounding::ground(plan, encoder, &pipeline.device, warn)?),
        None => None,
    };
    Ok(Conditioning { encoder_hidden_states, grounding })
}

fn noise_source(plan: &Plan) -> Box<dyn NoiseSource> {
    match plan.request.compat {
        Compat::None => Box::new(SeededNoise::new(plan.seeds())),
        Compat::Diffusers => Box::new(TorchNoise::new(plan.request.seed)),
    }
}

/// Takes `latents` from noise to a picture's.
fn denoise(
    mut latents: Tensor<4>,
    plan: &Plan,
    sampling: &mut dyn Sampling,
    denoising: &mut dyn Denoising,
    noise: &mut dyn NoiseSource,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Tensor<4>, Error> {
    let timesteps = sampling.timesteps().to_vec();
    let of = timesteps.len();
    // Scheduled sampling counts evaluations, not steps, and rounds down, as the original does.
    let grounded = (plan.scheduled_sampling_beta * of as f64) as usize;
    for (index, &timestep) in timesteps.iter().enumerate() {
        let grounding_scale = if index < grounded { 1.0 } else { 0.0 };
        let input = sampling.scale_model_input(latents.clone(), index);
        let prediction = if plan.is_guided() {
            let input = Tensor::cat(vec![input.clone(), input], 0);
            let both = denoising.predict(input, timestep, grounding_scale).map_err(denoiser_error)?;
            guide(both, plan.guidance_scale)
        } else {
            denoising.predict(input, timestep, grounding_scale).map_err(denoiser_error)?
        };
        latents = sampling.step(prediction, index, latents, noise);

        let step = index + 1;
        if progress(Progress::Step { step, of, latents: &latents }).is_break() {
            return Err(Error::Cancelled { step, of });
        }
    }
    match is_finite(&latents) {
        true => Ok(latents),
        false => Err(Error::NotFinite { step: of, of }),
    }
}

/// Classifier-free guidance, arXiv 2207.12598. `predictions`: `[2 · batch, …]`, without and with the caption.
fn guide(predictions: Tensor<4>, guidance_scale: f64) -> Tensor<4> {
    let batch = predictions.dims()[0] / 2;
    let without = predictions.clone().narrow(0, 0, batch);
    let with = predictions.narrow(0, batch, batch);
    without.clone() + (with - without) * guidance_scale
}

fn is_finite(latents: &Tensor<4>) -> bool {
    // The sum of absolute values is finite only if all numbers are; an overflow of the sum is just as wrong.
    latents.clone().abs().sum().into_scalar::<f32>().is_finite()
}

fn denoiser_error(source: gligen_components::BoxError) -> Error {
    Error::Component { part: "UNet", source }
}
