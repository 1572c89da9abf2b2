//! A request on a model, with every number settled and checked.

use gligen_components::{Denoiser, Picture};
use gligen_pictures::Filter;

use crate::inpaint::Repaint;
use crate::repaint_mask::RepaintMask;
use crate::{Compat, Error, InpaintMode, Object, Parts, Request, RequestError};

/// Objects that a GLIGEN model sees; more are left out, with a warning.
pub const MAX_OBJECTS: usize = 30;

/// The largest side of a picture, in pixels.
const MAX_SIDE: usize = 8192;

/// The most pictures of one request.
const MAX_PICTURES: usize = 256;

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
    /// Settles `request` on a model of these parts, computing nothing.
    pub(crate) fn new(request: Request, parts: &Parts) -> Result<Self, RequestError> {
        let (denoiser, autoencoder, defaults) = (&parts.denoiser, &parts.autoencoder, &parts.defaults);
        let side = denoiser.sample_size() * autoencoder.downscale();
        let (height, width) = (request.height.unwrap_or(side), request.width.unwrap_or(side));
        let num_images = request.num_images.unwrap_or(1);
        let plan = Self {
            steps: request.steps.unwrap_or(defaults.steps),
            guidance_scale: request.guidance_scale.unwrap_or(defaults.guidance_scale),
            scheduled_sampling_beta: match request.compat {
                // The original's pipeline for pictures computes the number of grounded steps and drops it.
                Compat::Diffusers if denoiser.takes_pictures() => 1.0,
                _ => request.scheduled_sampling_beta.unwrap_or(defaults.scheduled_sampling_beta),
            },
            height,
            width,
            num_images,
            latents_shape: [
                request.prompts.len().saturating_mul(num_images),
                denoiser.out_channels(),
                height / autoencoder.downscale(),
                width / autoencoder.downscale(),
            ],
            request,
        };
        plan.check_numbers()?;
        plan.check_texts()?;
        plan.check_objects(parts)?;
        plan.check_inpainting(denoiser.as_ref())?;
        match &plan.request.latents {
            Some(latents) if latents.dims() != plan.latents_shape => {
                Err(RequestError::Latents { expected: plan.latents_shape, found: latents.dims() })
            }
            _ => Ok(plan),
        }
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

    /// The objects of the caption `prompt`, as many as a model sees.
    pub fn objects(&self, prompt: usize) -> &[Object] {
        let lists = &self.request.objects;
        let objects = lists.get(prompt).or(lists.first()).map_or(&[][..], Vec::as_slice);
        &objects[..objects.len().min(MAX_OBJECTS)]
    }

    /// The picture to repaint in the size of the result, and where, if there is one; `cell` is the side in pixels of the
    /// square that a latent stands for.
    pub(crate) fn repaint(&self, cell: usize) -> Result<Option<Repaint>, Error> {
        let Some(inpaint) = &self.request.inpaint else { return Ok(None) };
        let (width, height) = (self.width, self.height);
        let fit = |picture: &Picture| {
            let middle = picture.centre_crop_to_aspect(width, height);
            middle.and_then(|middle| middle.resize(width, height, Filter::Lanczos)).ok_or(Error::Memory)
        };
        let masks = match &inpaint.mask {
            Some(mask) => vec![RepaintMask::from_picture(&fit(mask)?); self.request.prompts.len()],
            None => (0..self.request.prompts.len())
                .map(|prompt| RepaintMask::from_boxes(self.objects(prompt), width, height, cell))
                .collect(),
        };
        let restore = inpaint.restore && self.request.compat == Compat::None;
        Ok(Some(Repaint { picture: fit(&inpaint.image)?, masks, mode: inpaint.mode, restore }))
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

    fn check_objects(&self, parts: &Parts) -> Result<(), RequestError> {
        let (prompts, lists) = (self.request.prompts.len(), &self.request.objects);
        if lists.len() > 1 && lists.len() != prompts {
            return Err(RequestError::ObjectLists { prompts, found: lists.len() });
        }
        for (list, objects) in lists.iter().enumerate() {
            for (index, object) in objects.iter().enumerate() {
                let place = match lists.len() {
                    1 => format!("objects[{index}]"),
                    _ => format!("objects[{list}][{index}]"),
                };
                object.check(&place, self.request.compat == Compat::Diffusers)?;
                if parts.denoiser.grounding_width().is_none() {
                    return Err(RequestError::NoPositionNet);
                }
                if object.image.is_some() && !parts.denoiser.takes_pictures() {
                    return Err(RequestError::TakesNoPictures { place });
                }
                if object.image.is_some() && parts.image_encoder.is_none() {
                    return Err(RequestError::NoImageEncoder { place });
                }
            }
        }
        Ok(())
    }

    /// A UNet takes the latents' channels, or for inpainting those, the known latents' and the mask's.
    fn check_inpainting(&self, denoiser: &dyn Denoiser) -> Result<(), RequestError> {
        let (in_channels, plain) = (denoiser.in_channels(), denoiser.out_channels());
        let repaints = match in_channels {
            _ if in_channels == plain => false,
            _ if in_channels == 2 * plain + 1 => true,
            _ => return Err(RequestError::Channels { in_channels, plain }),
        };
        let Some(inpaint) = &self.request.inpaint else {
            return if repaints { Err(RequestError::NothingToRepaint { in_channels }) } else { Ok(()) };
        };
        match (inpaint.mode, repaints) {
            (InpaintMode::Model, false) => return Err(RequestError::NotAnInpaintingModel { in_channels }),
            (InpaintMode::Blend, true) => return Err(RequestError::BlendOnInpaintingModel { in_channels }),
            _ => {}
        }
        let size = |picture: &Picture| (picture.width(), picture.height());
        match &inpaint.mask {
            Some(mask) if size(mask) != size(&inpaint.image) => {
                Err(RequestError::MaskSize { image: size(&inpaint.image), mask: size(mask) })
            }
            None if self.request.objects.iter().all(Vec::is_empty) => Err(RequestError::NowhereToRepaint),
            _ => Ok(()),
        }
    }
}
