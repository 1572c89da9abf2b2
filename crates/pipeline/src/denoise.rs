//! The one denoising loop.

use std::fmt;
use std::ops::ControlFlow;

use burn::Tensor;
use burn::tensor::Device;
use gligen_components::{Conditioning, Denoising};
use gligen_schedulers::{NoiseSource, Sampling, SamplingOptions, SeededNoise, TorchNoise};

use crate::inpaint::Inpainting;
use crate::{
    Compat, Error, InpaintMode, MAX_OBJECTS, Output, Parts, Pipeline, Plan, grounding, output, prompt,
};

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
    let Pipeline { parts, device, .. } = pipeline;
    let mut sampling = begin_sampling(pipeline, plan)?;
    let repaint = plan.repaint(parts.autoencoder.downscale())?;
    let conditioning = condition(plan, parts, device, &mut |warning| {
        let _ = progress(Progress::Warning(&warning)); // a warning is no place to stop
    })?;
    let mut denoising = parts.denoiser.begin(&conditioning).map_err(denoiser_error)?;
    let mut noise = noise_source(plan);

    // The original draws noise for all the channels that an inpainting network takes, and draws the latents' own,
    // unscaled, once more after it has encoded the picture.
    let is_redrawn = repaint.as_ref().is_some_and(|repaint| repaint.mode == InpaintMode::Model)
        && plan.request.compat == Compat::Diffusers
        && plan.request.latents.is_none();
    let [pictures, channels, height, width] = plan.latents_shape;
    let drawn_channels = if is_redrawn { parts.denoiser.in_channels() } else { channels };
    let start = match &plan.request.latents {
        Some(latents) => latents.clone().to_device(device),
        None => noise.normal([pictures, drawn_channels, height, width], device),
    };
    let mut start = start * sampling.init_noise_sigma();
    let inpainting = match &repaint {
        Some(repaint) => {
            Some(Inpainting::begin(plan, repaint, parts.autoencoder.as_ref(), noise.as_mut(), device)?)
        }
        None => None,
    };
    if is_redrawn {
        start = noise.normal(plan.latents_shape, device);
    }

    let run = Run { plan, inpainting };
    let latents = run.denoise(start, sampling.as_mut(), denoising.as_mut(), noise.as_mut(), progress)?;
    drop(denoising); // the denoiser's memory may be needed to decode
    output::finish(plan, latents, parts, repaint.as_ref())
}

fn begin_sampling(pipeline: &Pipeline, plan: &Plan) -> Result<Box<dyn Sampling>, Error> {
    let options = SamplingOptions { steps: plan.steps, eta: plan.request.eta };
    Ok(match (plan.request.scheduler, &pipeline.scheduler) {
        (None, Some(scheduler)) => scheduler.begin(&options)?,
        (kind, _) => pipeline.parts.scheduler.build(kind)?.begin(&options)?,
    })
}

/// What is the same at every step.
fn condition(
    plan: &Plan,
    parts: &Parts,
    device: &Device,
    warn: &mut dyn FnMut(Warning),
) -> Result<Conditioning, Error> {
    let encoder_hidden_states = prompt::encode(plan, parts.text_encoder.as_ref(), warn)?;
    let grounding = match parts.denoiser.grounding_width() {
        Some(_) => Some(grounding::ground(plan, parts, device, warn)?),
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

/// What the loop needs to know of its run.
struct Run<'a> {
    plan: &'a Plan,
    inpainting: Option<Inpainting>,
}

impl Run<'_> {
    /// Takes `latents` from noise to a picture's.
    fn denoise(
        &self,
        mut latents: Tensor<4>,
        sampling: &mut dyn Sampling,
        denoising: &mut dyn Denoising,
        noise: &mut dyn NoiseSource,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Tensor<4>, Error> {
        let plan = self.plan;
        let timesteps = sampling.timesteps().to_vec();
        let of = timesteps.len();
        // Scheduled sampling counts evaluations, not steps, and rounds down, as the original does.
        let grounded = (plan.scheduled_sampling_beta * of as f64) as usize;
        for (index, &timestep) in timesteps.iter().enumerate() {
            if let Some(inpainting) = &self.inpainting {
                latents = inpainting.blend(latents, sampling, index, noise);
            }
            let mut input = sampling.scale_model_input(latents.clone(), index);
            if plan.is_guided() {
                input = Tensor::cat(vec![input.clone(), input], 0);
            }
            if let Some(inpainting) = &self.inpainting {
                input = inpainting.extend(input);
            }
            let grounding_scale = if index < grounded { 1.0 } else { 0.0 };
            let mut prediction =
                denoising.predict(input, timestep, grounding_scale).map_err(denoiser_error)?;
            if plan.is_guided() {
                prediction = guide(prediction, plan.guidance_scale);
            }
            latents = sampling.step(prediction, index, latents, noise);

            let step = index + 1;
            if progress(Progress::Step { step, of, latents: &latents }).is_break() {
                return Err(Error::Cancelled { step, of });
            }
        }
        if let Some(inpainting) = &self.inpainting {
            latents = inpainting.finish(latents);
        }
        match is_finite(&latents) {
            true => Ok(latents),
            false => Err(Error::NotFinite { step: of, of }),
        }
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
