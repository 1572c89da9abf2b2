//! What a user asks for, and the plan it comes to on a model.

use burn::Tensor;
use gligen_components::{Autoencoder, Denoiser};
use gligen_schedulers::SchedulerKind;

use crate::RequestError;

/// Objects that a GLIGEN model sees; more are left out, with a warning.
pub const MAX_OBJECTS: usize = 30;

/// The largest side of a picture, in pixels.
const MAX_SIDE: usize = 8192;

/// The most pictures of one request.
const MAX_PICTURES: usize = 256;

/// Something that shall stand somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is, in words.
    pub phrase: String,
    /// Where it stands: x0 y0 x1 y1, fractions of width and height in 0..1 from the top left. A box without area is
    /// legal.
    pub rect: [f64; 4],
}

impl Object {
    /// An object described by `phrase`, in the box `rect` of corners x0 y0 x1 y1.
    pub fn phrase(phrase: impl Into<String>, rect: [f64; 4]) -> Self {
        Self { phrase: phrase.into(), rect }
    }
}

/// Whose random numbers and habits a run follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// Our own: picture k of a request has the stream of `seed + k`, and depends on nothing else in its batch.
    #[default]
    None,
    /// The original's: one stream of torch's numbers serves the whole batch, so that a seed gives the same picture
    /// as in diffusers, and a box is taken as it is.
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
/// assert_eq!(request.objects.len(), 2);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request {
    /// Captions; each gets `num_images` pictures.
    pub prompts: Vec<String>,
    /// What to keep out of the pictures: none, one for all, or one for each caption.
    pub negative_prompts: Vec<String>,
    /// What stands where, the same for every caption.
    pub objects: Vec<Object>,
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

    /// Adds an object.
    pub fn object(mut self, object: Object) -> Self {
        self.objects.push(object);
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

/// A request on a model, with every number settled and checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The request it was made of.
    pub request: Request,
    /// Inference steps.
    pub steps: usize,
    /// How much the caption counts.
    pub guidance_scale: f64,
    /// Share of the evaluations in which objects count.
    pub scheduled_sampling_beta: f64,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Pictures of each caption.
    pub num_images: usize,
    /// Shape of the latents: pictures, channels, height, width.
    pub latents_shape: [usize; 4],
}

impl Plan {
    /// Settles `request` on a model of these parts.
    pub fn new(
        request: &Request,
        defaults: &Defaults,
        denoiser: &dyn Denoiser,
        autoencoder: &dyn Autoencoder,
    ) -> Result<Self, RequestError> {
        let side = denoiser.sample_size() * autoencoder.downscale();
        let (height, width) = (request.height.unwrap_or(side), request.width.unwrap_or(side));
        let num_images = request.num_images.unwrap_or(1);
        let plan = Self {
            steps: request.steps.unwrap_or(defaults.steps),
            guidance_scale: request.guidance_scale.unwrap_or(defaults.guidance_scale),
            scheduled_sampling_beta: request
                .scheduled_sampling_beta
                .unwrap_or(defaults.scheduled_sampling_beta),
            height,
            width,
            num_images,
            latents_shape: [
                request.prompts.len().saturating_mul(num_images),
                denoiser.out_channels(),
                height / autoencoder.downscale(),
                width / autoencoder.downscale(),
            ],
            request: request.clone(),
        };
        plan.check_numbers()?;
        plan.check_texts()?;
        plan.check_boxes()?;
        plan.check_model(denoiser)?;
        Ok(plan)
    }

    /// Pictures in all.
    pub fn pictures(&self) -> usize {
        self.latents_shape[0]
    }

    /// The seed of each picture of the batch: one more for each, or the same for all where one stream serves them.
    pub fn seeds(&self) -> Vec<u64> {
        let offset = |index| match self.request.compat {
            Compat::None => index,
            Compat::Diffusers => 0,
        };
        (0..self.pictures() as u64).map(|index| self.request.seed.wrapping_add(offset(index))).collect()
    }

    /// Whether a step evaluates the negative prompt too.
    pub fn is_guided(&self) -> bool {
        self.guidance_scale > 1.0
    }

    fn check_numbers(&self) -> Result<(), RequestError> {
        let range = |ok: bool, field, expected: &str, found: String| match ok {
            true => Ok(()),
            false => Err(RequestError::Range { field, expected: expected.into(), found }),
        };
        for (field, side) in [("height", self.height), ("width", self.width)] {
            let ok = side % 8 == 0 && (8..=MAX_SIDE).contains(&side);
            range(ok, field, &format!("a multiple of 8, from 8 to {MAX_SIDE}"), side.to_string())?;
        }
        range(self.steps >= 1, "steps", "1 or more", self.steps.to_string())?;
        let pictures = self.pictures();
        let ok = self.num_images >= 1 && pictures <= MAX_PICTURES;
        let expected = format!("1 or more, and no more than {MAX_PICTURES} pictures in all");
        range(ok, "num_images", &expected, self.num_images.to_string())?;
        let scale = self.guidance_scale;
        range(scale.is_finite(), "guidance_scale", "a finite number", scale.to_string())?;
        for (field, share) in
            [("scheduled_sampling_beta", self.scheduled_sampling_beta), ("eta", self.request.eta)]
        {
            range((0.0..=1.0).contains(&share), field, "0 to 1", share.to_string())?;
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), RequestError> {
        let (prompts, negative) = (self.request.prompts.len(), self.request.negative_prompts.len());
        if prompts == 0 {
            return Err(RequestError::NoPrompt);
        }
        if negative > 1 && negative != prompts {
            return Err(RequestError::NegativePrompts { prompts, found: negative });
        }
        Ok(())
    }

    fn check_boxes(&self) -> Result<(), RequestError> {
        for (index, object) in self.request.objects.iter().enumerate() {
            for (name, value) in ["x0", "y0", "x1", "y1"].into_iter().zip(object.rect) {
                if !(0.0..=1.0).contains(&value) {
                    return Err(RequestError::OutsideBox { index, name, value });
                }
            }
            let [x0, y0, x1, y1] = object.rect;
            if (x0 > x1 || y0 > y1) && self.request.compat == Compat::None {
                return Err(RequestError::InvertedBox { index, found: object.rect });
            }
        }
        Ok(())
    }

    fn check_model(&self, denoiser: &dyn Denoiser) -> Result<(), RequestError> {
        if denoiser.in_channels() != denoiser.out_channels() {
            return Err(RequestError::InpaintingModel { in_channels: denoiser.in_channels() });
        }
        if !self.request.objects.is_empty() && denoiser.grounding_width().is_none() {
            return Err(RequestError::NoPositionNet);
        }
        match &self.request.latents {
            Some(latents) if latents.dims() != self.latents_shape => {
                Err(RequestError::Latents { expected: self.latents_shape, found: latents.dims() })
            }
            _ => Ok(()),
        }
    }
}
