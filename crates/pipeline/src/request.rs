//! What a user asks for.

use burn::Tensor;
use gligen_schedulers::SchedulerKind;

use crate::{Inpaint, Object};

/// Whose random numbers and habits a run follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// Our own: picture k of a request has the stream of `seed + k`, and depends on nothing else in its batch.
    #[default]
    None,
    /// The original's: one stream of torch's numbers serves the whole batch, so that a seed gives the same picture
    /// as in diffusers, and a box is taken as it is. A model that takes pictures sees the objects in every evaluation,
    /// whatever `scheduled_sampling_beta` says, and nothing is restored after inpainting.
    Diffusers,
}

/// What a user asks for. What is left out has the model's default.
///
/// ```
/// use gligen_pipeline::{Object, Request};
///
/// let request = Request::new("a cat and a red apple on a white background")
///     .object(Object::phrase("a cat", [0.05, 0.30, 0.50, 0.90]))
///     .object(Object::phrase("a red apple", [0.60, 0.40, 0.90, 0.70]))
///     .steps(30)
///     .seed(42);
/// assert_eq!(request.objects[0].len(), 2);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// Captions; each gets `num_images` pictures.
    pub prompts: Vec<String>,
    /// What to keep out of the pictures: none, one for all, or one for each caption.
    pub negative_prompts: Vec<String>,
    /// What stands where: no list, one for all captions, or one for each caption.
    pub objects: Vec<Vec<Object>>,
    /// The picture to repaint, if one is.
    pub inpaint: Option<Inpaint>,
    /// Inference steps.
    pub steps: Option<usize>,
    /// How much the caption counts; at 1 or below there is no guidance, and a step costs half.
    pub guidance_scale: Option<f64>,
    /// Share of the evaluations, from the start, in which objects count, 0..=1.
    pub scheduled_sampling_beta: Option<f64>,
    /// Share of fresh noise in a DDIM step, 0..=1.
    pub eta: f64,
    /// Last layers of the text encoder to leave out for the captions (not for the negative prompts, as in the
    /// original).
    pub clip_skip: usize,
    /// The sampler; the model's own if left out.
    pub scheduler: Option<SchedulerKind>,
    /// Height in pixels, a multiple of 8.
    pub height: Option<usize>,
    /// Width in pixels, a multiple of 8.
    pub width: Option<usize>,
    /// Start of the random numbers.
    pub seed: u64,
    /// Pictures of each caption; 1 if left out.
    pub num_images: Option<usize>,
    /// Standard normal noise to start from instead of the seed's: `[pictures, channels, height / 8, width / 8]`.
    pub latents: Option<Tensor<4>>,
    /// Whose random numbers and habits to follow.
    pub compat: Compat,
}

impl Request {
    /// One picture of `prompt`.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompts: vec![prompt.into()], ..Self::default() }
    }

    /// Adds an object to those of all captions.
    pub fn object(mut self, object: Object) -> Self {
        match self.objects.first_mut() {
            Some(objects) => objects.push(object),
            None => self.objects.push(vec![object]),
        }
        self
    }

    /// Repaints a part of a picture instead of painting a new one.
    pub fn inpaint(mut self, inpaint: Inpaint) -> Self {
        self.inpaint = Some(inpaint);
        self
    }

    /// Sets the number of inference steps.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Sets how much the caption counts.
    pub fn guidance_scale(mut self, guidance_scale: f64) -> Self {
        self.guidance_scale = Some(guidance_scale);
        self
    }

    /// Sets the size in pixels.
    pub fn size(mut self, width: usize, height: usize) -> Self {
        (self.width, self.height) = (Some(width), Some(height));
        self
    }

    /// Sets the start of the random numbers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// What a model does where a request says nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Inference steps.
    pub steps: usize,
    /// How much the caption counts.
    pub guidance_scale: f64,
    /// Share of the evaluations in which objects count.
    pub scheduled_sampling_beta: f64,
}

impl Default for Defaults {
    /// Those of the original pipeline.
    fn default() -> Self {
        Self { steps: 50, guidance_scale: 7.5, scheduled_sampling_beta: 0.3 }
    }
}
