//! A picture to repaint and its mask, as other APIs bring them, and how the model takes them.

use axum::http::StatusCode;
use gligen_pipeline::{InpaintMode, LayoutError, Picture, Transparency, embedded_picture, rgb_image};
use serde_json::{Map, Value};

use crate::App;
use crate::data_url;
use crate::problem::Problem;

/// A picture of which a part shall be repainted.
pub(crate) struct Repainting {
    /// Base64, or a data URL.
    pub(crate) image: String,
    pub(crate) mask: Option<String>,
    pub(crate) kind: MaskKind,
    pub(crate) mode: InpaintMode,
}

/// How a mask says where to repaint.
#[derive(Clone, Copy)]
pub(crate) enum MaskKind {
    /// As ours do: it is white there.
    White,
    /// It is black there.
    Black,
    /// It is transparent there; where there is no mask, the picture may be.
    Transparent,
}

/// How the model repaints.
pub(crate) fn inpaint_mode(app: &App) -> InpaintMode {
    let denoiser = &app.pipeline.parts().denoiser;
    match denoiser.in_channels() == denoiser.out_channels() {
        true => InpaintMode::Blend,
        false => InpaintMode::Model,
    }
}

impl Repainting {
    /// Puts them into a layout, with the mask in its words. A mask to translate has at most `max_pixels`.
    pub(crate) fn put_into(self, layout: &mut Map<String, Value>, max_pixels: u64) -> Result<(), Problem> {
        let mask = match (self.kind, self.mask) {
            (MaskKind::White, mask) => mask,
            (MaskKind::Black, None) => None,
            (MaskKind::Black, Some(mask)) => {
                let mut mask = read("mask", &mask, Transparency::Ignored, max_pixels)?;
                mask.rgb_mut().iter_mut().for_each(|byte| *byte = 255 - *byte);
                Some(written(mask)?)
            }
            (MaskKind::Transparent, Some(mask)) => {
                Some(written(read("mask", &mask, Transparency::Alone, max_pixels)?)?)
            }
            (MaskKind::Transparent, None) => {
                let own = read("image", &self.image, Transparency::Alone, max_pixels)?;
                let is_solid = own.rgb().iter().all(|&byte| byte == 0);
                (!is_solid).then(|| written(own)).transpose()?
            }
        };
        layout.insert("inpaint_image".into(), self.image.into());
        layout.insert("inpaint_mode".into(), self.mode.name().into());
        layout.extend(mask.map(|mask| ("inpaint_mask".into(), mask.into())));
        Ok(())
    }
}

fn read(field: &str, text: &str, transparency: Transparency, max_pixels: u64) -> Result<Picture, Problem> {
    let picture = embedded_picture(text, transparency, max_pixels);
    picture.map_err(|source| LayoutError::Picture { path: field.into(), source: source.into() }.into())
}

fn written(picture: Picture) -> Result<String, Problem> {
    let broken = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the mask could not be written");
    rgb_image(picture).as_ref().and_then(data_url::of_picture).ok_or_else(broken)
}
