//! Latents to pictures.

use burn::Tensor;
use gligen_components::Picture;
use image::RgbImage;

use crate::inpaint::Repaint;
use crate::{Error, Parts, Pipeline, Plan};

/// What a run gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Output {
    /// The pictures: all of the first prompt, then all of the second, and so on.
    pub images: Vec<RgbImage>,
    /// Whether the safety checker withheld a picture; it is black then. Nothing is withheld without one.
    pub withheld: Vec<bool>,
    /// The seed of each picture; with [`crate::Compat::Diffusers`] that of the whole batch.
    pub seeds: Vec<u64>,
    /// The latents before decoding, `[pictures, channels, height, width]`, of about unit variance.
    pub latents: Tensor<4>,
}

/// Decodes `latents` one picture at a time, so that a batch needs no more memory than a single picture; puts back what
/// was not to be repainted, and has the pictures checked.
pub(crate) fn finish(
    plan: &Plan,
    latents: Tensor<4>,
    parts: &Parts,
    repaint: Option<&Repaint>,
) -> Result<Output, Error> {
    let mut output = Output { images: Vec::new(), withheld: Vec::new(), seeds: plan.seeds(), latents };
    for index in 0..plan.pictures() {
        let mut picture = decode(output.latents.clone().narrow(0, index, 1), parts)?;
        if let Some(repaint) = repaint.filter(|repaint| repaint.restore) {
            let mask = &repaint.masks[index / plan.num_images];
            picture = mask.restore(&repaint.picture, &picture);
        }
        let (image, is_withheld) = checked(picture, parts)?;
        output.images.extend(image);
        output.withheld.push(is_withheld);
    }
    Ok(output)
}

impl Pipeline {
    /// The pictures that `latents`, `[pictures, channels, height, width]`, stand for, be they finished or not: decoded
    /// one at a time, and black where the safety checker withholds one.
    ///
    /// # Errors
    /// [`Error::Component`] from the autoencoder and the safety checker.
    pub fn decode(&self, latents: &Tensor<4>) -> Result<Vec<RgbImage>, Error> {
        let picture = |index| checked(decode(latents.clone().narrow(0, index, 1), &self.parts)?, &self.parts);
        (0..latents.dims()[0])
            .filter_map(|index| picture(index).map(|(image, _)| image).transpose())
            .collect()
    }
}

/// The picture of `latents`, `[1, channels, height, width]`.
fn decode(latents: Tensor<4>, parts: &Parts) -> Result<Picture, Error> {
    let decoded = parts.autoencoder.decode(latents / parts.autoencoder.scaling_factor());
    to_picture(decoded.map_err(|source| Error::Component { part: "autoencoder", source })?)
}

/// The picture, and whether it is black because the safety checker withholds it.
fn checked(mut picture: Picture, parts: &Parts) -> Result<(Option<RgbImage>, bool), Error> {
    let is_withheld = is_withheld(&picture, parts)?;
    if is_withheld {
        picture.rgb_mut().fill(0);
    }
    Ok((rgb_image(picture), is_withheld))
}

/// `picture` as an image, to be written or drawn on; `None` only if it had too few bytes for its size.
pub fn rgb_image(picture: Picture) -> Option<RgbImage> {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    RgbImage::from_raw(width, height, picture.into_rgb())
}

fn is_withheld(picture: &Picture, parts: &Parts) -> Result<bool, Error> {
    let Some(checker) = &parts.safety_checker else { return Ok(false) };
    let flags = checker
        .flag(std::slice::from_ref(picture))
        .map_err(|source| Error::Component { part: "safety checker", source })?;
    Ok(flags.contains(&true))
}

/// `[1, 3, height, width]` in -1..1 to bytes, rounded to the nearest, as the original's PIL output.
fn to_picture(decoded: Tensor<4>) -> Result<Picture, Error> {
    let [_, channels, height, width] = decoded.dims();
    let parts =
        |found: String| Error::Parts(format!("the autoencoder decoded to {found}, not to an RGB picture"));
    if channels != 3 {
        return Err(parts(format!("{channels} channels")));
    }
    let numbers: Vec<f32> = decoded
        .permute([0, 2, 3, 1]) // [1, height, width, 3]
        .into_data()
        .try_into_vec_as()
        .map_err(|e| parts(format!("{e:?}")))?;
    let bytes =
        numbers.iter().map(|x| ((x / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8).collect();
    Picture::new(width, height, bytes).ok_or_else(|| parts(format!("{width}×{height}")))
}
