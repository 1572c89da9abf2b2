//! Repainting: what is known of the picture is put back, with as much noise as the rest has, before every step.

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};
use gligen_components::{Autoencoder, Picture};
use gligen_schedulers::{NoiseSource, Sampling};

use crate::repaint_mask::RepaintMask;
use crate::{Compat, Error, Plan};

/// A picture of which a part is repainted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inpaint {
    /// The picture. Its middle is cut to the aspect of the result and resized to it.
    pub image: Picture,
    /// Where to repaint: a picture of the same size, in which the light half of the greys, from 128 on, says yes. Left
    /// out, the boxes of the objects are repainted.
    pub mask: Option<Picture>,
    /// How the network learns what is known.
    pub mode: InpaintMode,
    /// Whether what is not repainted has exactly the picture's own pixels in the end, up to a seam around what is. The
    /// network's own are close to them, but went through the autoencoder. Ignored with [`Compat::Diffusers`], which
    /// leaves them as they are.
    pub restore: bool,
}

impl Inpaint {
    /// Repaints `image` in the boxes of the objects.
    pub fn new(image: Picture) -> Self {
        Self { image, mask: None, mode: InpaintMode::default(), restore: true }
    }
}

/// How a network learns what is known of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InpaintMode {
    /// It is shown the known latents and the mask in five channels more: an inpainting checkpoint.
    #[default]
    Model,
    /// It is shown nothing but the latents, in which the known ones are put back before every step and after the last
    /// one: any checkpoint. It cannot look ahead, so what it paints fits the rest less well.
    Blend,
}

impl InpaintMode {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Model, Self::Blend];

    /// What users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Blend => "blend",
        }
    }
}

/// A picture to repaint, in the size of the result.
pub(crate) struct Repaint {
    pub(crate) picture: Picture,
    /// Where, for each caption.
    pub(crate) masks: Vec<RepaintMask>,
    pub(crate) mode: InpaintMode,
    pub(crate) restore: bool,
}

/// The known part of a picture, for one run.
///
/// Source: diffusers `pipelines/deprecated/stable_diffusion_gligen`, the inpainting of both pipelines.
pub(crate) struct Inpainting {
    /// Latents of the picture, `[1 or pictures, 4, height, width]`.
    clean: Tensor<4>,
    /// 1 where they are kept, 0 where they are repainted: `[pictures, 1, height, width]`.
    keep: Tensor<4>,
    /// What an inpainting network takes beside the latents, the same at every step: the known ones and the mask,
    /// `[pictures, 5, height, width]`. `None` in blending.
    beside: Option<Tensor<4>>,
    device: Device,
}

impl Inpainting {
    /// Encodes the picture of `plan`, drawing the noise that this takes.
    pub(crate) fn begin(
        plan: &Plan,
        repaint: &Repaint,
        autoencoder: &dyn Autoencoder,
        noise: &mut dyn NoiseSource,
        device: &Device,
    ) -> Result<Self, Error> {
        let component = |source| Error::Component { part: "autoencoder", source };
        let posterior = autoencoder.encode(to_tensor(&repaint.picture, device)).map_err(component)?;
        let [pictures, channels, height, width] = plan.latents_shape;
        // The original draws once for the whole batch; our pictures each have a stream of their own.
        let draws = match plan.request.compat {
            Compat::None => pictures,
            Compat::Diffusers => 1,
        };
        let sample = posterior.sample(noise.normal([draws, channels, height, width], device));
        let clean = sample * autoencoder.scaling_factor();
        let keep = repaint.masks.iter().map(|mask| {
            let keep = TensorData::new(mask.kept_cells(autoencoder.downscale()), [1, 1, height, width]);
            Tensor::<4>::from_data(keep, (device, DType::F32)).repeat_dim(0, plan.num_images)
        });
        let keep = Tensor::cat(keep.collect(), 0);
        let beside = match repaint.mode {
            InpaintMode::Model => Some(Tensor::cat(vec![clean.clone() * keep.clone(), keep.clone()], 1)),
            InpaintMode::Blend => None,
        };
        Ok(Self { clean, keep, beside, device: device.clone() })
    }

    /// `latents` with what is known in its place, as noisy as they are before the evaluation `index`.
    pub(crate) fn blend(
        &self,
        latents: Tensor<4>,
        sampling: &dyn Sampling,
        index: usize,
        noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        // The original's picture lies in memory with its channels side by side, and so do the latents made of it.
        let noise = noise.normal_channels_last(self.clean.dims(), &self.device);
        self.put_back(latents, sampling.add_noise(self.clean.clone(), noise, index))
    }

    /// `latents`, done, with what is known in its place.
    pub(crate) fn finish(&self, latents: Tensor<4>) -> Tensor<4> {
        match self.beside {
            Some(_) => latents,
            None => self.put_back(latents, self.clean.clone()),
        }
    }

    fn put_back(&self, latents: Tensor<4>, known: Tensor<4>) -> Tensor<4> {
        let known = known.expand(latents.dims());
        known * self.keep.clone() + latents * (-self.keep.clone() + 1.0)
    }

    /// `input`, `[batch, 4, height, width]`, with the channels that an inpainting network takes beside it. A guided
    /// batch has every picture twice.
    pub(crate) fn extend(&self, input: Tensor<4>) -> Tensor<4> {
        let Some(beside) = &self.beside else { return input };
        let times = input.dims()[0] / beside.dims()[0];
        Tensor::cat(vec![input, beside.clone().repeat_dim(0, times)], 1)
    }
}

/// A picture as an autoencoder takes it: `[1, 3, height, width]` in -1..1.
fn to_tensor(picture: &Picture, device: &Device) -> Tensor<4> {
    let numbers: Vec<f32> = picture.rgb().iter().map(|&byte| f32::from(byte) / 255.0 * 2.0 - 1.0).collect();
    let shape = [1, picture.height(), picture.width(), 3];
    Tensor::<4>::from_data(TensorData::new(numbers, shape), (device, DType::F32)).permute([0, 3, 1, 2])
}
