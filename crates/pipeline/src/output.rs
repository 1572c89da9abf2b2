//! Latents to pictures.

use burn::Tensor;
use gligen_components::Autoencoder;
use image::RgbImage;

use crate::{Error, Plan};

/// What a run gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Output {
    /// The pictures: all of the first prompt, then all of the second, and so on.
    pub images: Vec<RgbImage>,
    /// The seed of each picture; with [`crate::Compat::Diffusers`] that of the whole batch.
    pub seeds: Vec<u64>,
    /// The latents before decoding, `[pictures, channels, height, width]`, of about unit variance.
    pub latents: Tensor<4>,
}

/// Decodes `latents` one picture at a time, so that a batch needs no more memory than a single picture.
pub(crate) fn decode(
    plan: &Plan,
    latents: Tensor<4>,
    autoencoder: &dyn Autoencoder,
) -> Result<Output, Error> {
    let images = (0..plan.pictures())
        .map(|index| {
            let latents = latents.clone().narrow(0, index, 1) / autoencoder.scaling_factor();
            let picture = autoencoder
                .decode(latents)
                .map_err(|source| Error::Component { part: "autoencoder", source })?;
            to_image(picture)
        })
        .collect::<Result<_, _>>()?;
    Ok(Output { images, seeds: plan.seeds(), latents })
}

/// `[1, 3, height, width]` in -1..1 to bytes, rounded to the nearest, as the original's PIL output.
fn to_image(picture: Tensor<4>) -> Result<RgbImage, Error> {
    let [_, channels, height, width] = picture.dims();
    let parts =
        |found: String| Error::Parts(format!("the autoencoder decoded to {found}, not to an RGB picture"));
    if channels != 3 {
        return Err(parts(format!("{channels} channels")));
    }
    let numbers: Vec<f32> = picture
        .permute([0, 2, 3, 1]) // [1, height, width, 3]
        .into_data()
        .try_into_vec_as()
        .map_err(|e| parts(format!("{e:?}")))?;
    let bytes =
        numbers.iter().map(|x| ((x / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8).collect();
    RgbImage::from_raw(width as u32, height as u32, bytes).ok_or_else(|| parts(format!("{width}×{height}")))
}
