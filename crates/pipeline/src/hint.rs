//! What to do about an error: what programs tell beside it.

use std::io::ErrorKind;

use crate::{Error, LayoutError, PictureError, RequestError};

impl Error {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Request(error) => error.hint(),
            Self::Scheduler(error) => error.hint(),
            Self::Component { part, .. } => component_hint(self).or_else(|| {
                Some(match *part {
                    "LoRA" | "textual inversion" => "was it made for a Stable Diffusion 1.x model?".into(),
                    _ => "`gligen inspect` says what the model is made of".into(),
                })
            }),
            Self::Parts(_) => Some("take all of them from the same checkpoint".into()),
            Self::Memory => Some("draw it smaller".into()),
            Self::File { .. } => system_hint(self),
            Self::NotAModel { .. } => Some(
                "expected a folder in the diffusers layout (model_index.json beside the folders unet, vae, \
                 text_encoder, tokenizer and scheduler), or a file with all three networks"
                    .into(),
            ),
            Self::NoConfigs { .. } => {
                Some("use a folder in the diffusers layout, where each network has its config.json".into())
            }
            Self::NotFinite { step: 1, .. } => Some("the checkpoint may be damaged: fetch it again".into()),
            Self::NotFinite { .. } => Some("try a lower guidance scale, or another scheduler".into()),
            Self::Cancelled { .. } => None, // as it was wanted
        }
    }
}

/// What a cause of `error` says to do.
fn component_hint(error: &Error) -> Option<String> {
    #[cfg(feature = "networks")]
    {
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let hint = [
                error.downcast_ref().map(gligen_weights::WeightsError::hint),
                error.downcast_ref().map(gligen_weights::LoraError::hint),
                error.downcast_ref().map(text_encoder_hint),
            ];
            if let Some(hint) = hint.into_iter().flatten().flatten().next() {
                return Some(hint);
            }
            cause = error.source();
        }
    }
    system_hint(error)
}

#[cfg(feature = "networks")]
fn text_encoder_hint(error: &gligen_clip_text::Error) -> Option<String> {
    use gligen_clip_text::Error;
    match error {
        Error::ClipSkip { .. } => Some("1 or 2 are usual; left out, all layers count".into()),
        Error::TextualInversion { .. } => Some("was it made for a Stable Diffusion 1.x model?".into()),
        _ => None,
    }
}

impl RequestError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoPrompt => "say what the whole picture shows, as in \"a cat on a table\"",
            Self::NegativePrompts { .. } => "one counts for all captions, several for one caption each",
            Self::ObjectLists { .. } => "one list counts for all captions, several for one caption each",
            Self::EmptyObject { .. } => "say what it is, as in \"a red apple\", or leave it out",
            Self::Mask { .. } => "1 counts in full, 0 not at all",
            Self::OutsideBox { value, .. } if *value > 1.0 => {
                "boxes are fractions of the picture's width and height: divide pixels by them"
            }
            Self::OutsideBox { .. } => "0 is the picture's left or upper edge, 1 its right or lower one",
            Self::InvertedBox { found: [x0, y0, x1, y1], .. } => {
                let [left, top, right, bottom] = [x0.min(*x1), y0.min(*y1), x0.max(*x1), y0.max(*y1)];
                return Some(format!("with its corners put right it is [{left}, {top}, {right}, {bottom}]"));
            }
            Self::Range { field: "height" | "width", found, .. } => {
                let side: usize = found.parse().ok()?;
                let below = side / 8 * 8;
                return Some(match side > 8 && below != side {
                    true => format!("the nearest are {below} and {}", below + 8),
                    false => "left out, it is the model's own".into(),
                });
            }
            Self::Range { field: "steps", .. } => "50 are usual, 20 to 30 do for most schedulers",
            Self::Range { field: "num_images", .. } => {
                "left out, it is 1; for more draw again, with a seed further on"
            }
            Self::Range { field: "guidance_scale", .. } => "7.5 is usual, 1 is none",
            Self::Range { field: "scheduled_sampling_beta", .. } => {
                "with 0.3, which is usual, objects count in the first 30 % of the steps"
            }
            Self::Range { field: "eta", .. } => "left out, it is 0: no fresh noise",
            Self::Range { .. } => "left out, it is the model's own",
            Self::NoPositionNet => {
                "use a GLIGEN checkpoint, or leave the objects out to draw from the caption alone"
            }
            Self::TakesNoPictures { .. } => {
                "use a GLIGEN checkpoint for text and images, or say with a phrase what it is"
            }
            Self::NoImageEncoder { .. } => {
                "add the folders image_encoder, image_project and processor of a GLIGEN checkpoint for text and images"
            }
            Self::NotAnInpaintingModel { .. } => {
                "use an inpainting checkpoint, or the mode `blend`, which any model can"
            }
            Self::BlendOnInpaintingModel { .. } => "leave the mode out",
            Self::NothingToRepaint { .. } => "give a picture to repaint, or use a checkpoint for generation",
            Self::Channels { .. } => "is this a model for something else, as depth or a larger picture?",
            Self::MaskSize { .. } => "resize the mask, or leave it out to repaint the boxes",
            Self::NowhereToRepaint => "give a mask, white where to repaint, or a box",
            Self::Latents { .. } => "pictures, channels, height / 8 and width / 8 are those of this request",
        };
        Some(hint.into())
    }
}

impl LayoutError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File { .. } => return system_hint(self),
            Self::UnknownKey { nearest: Some(key), .. } => return Some(format!("did you mean `{key}`?")),
            Self::Picture { source, .. } => return source.hint(),
            Self::Json(_) => r#"the least that a layout has is {"prompt": "a cat"}"#,
            Self::NotAnObject { .. } | Self::UnknownKey { nearest: None, .. } | Self::Value { .. } => {
                "the JSON schema of layouts says what may stand where: docs/layout.schema.json"
            }
            Self::NoInpaintImage { .. } => "add `inpaint_image`, the picture to repaint",
            Self::NoLayoutInPicture => {
                "only pictures in which gligen has left their layout can be drawn again"
            }
            Self::Png(_) => DAMAGED_PICTURE,
        };
        Some(hint.into())
    }
}

const DAMAGED_PICTURE: &str = "it may be damaged: fetch it again, or save it anew with another program";

impl PictureError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File { source, .. } if source.kind() == ErrorKind::NotFound => {
                "check the spelling; paths in a layout file begin where it lies"
            }
            Self::File { .. } => return system_hint(self),
            Self::Format { .. } => "save it as one of these with another program",
            Self::Size { .. } => "shrink it: no model sees that much of it",
            Self::Broken { .. } => DAMAGED_PICTURE,
            Self::NotEmbedded { .. } => "a data URL is, say, data:image/png;base64,iVBORw0KGgo…",
        };
        Some(hint.into())
    }
}

/// What to do where the system refuses something, if that is a cause of `error` and something is known.
pub fn system_hint(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let kind = causes.filter_map(|error| error.downcast_ref::<std::io::Error>()).next()?.kind();
    let hint = match kind {
        ErrorKind::NotFound => "check the spelling of the path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose another place, or ask for the permission"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room, or choose another place; nothing half-written was left"
        }
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::NotADirectory => "a part of the path is a file, not a folder",
        ErrorKind::InvalidData => "is it a file of another kind?",
        _ => return None,
    };
    Some(hint.into())
}

#[cfg(test)]
mod tests {
    use std::io;

    use gligen_components::BoxError;
    use gligen_schedulers::SchedulerError;

    use super::*;
    use crate::whole_message;

    fn told(error: &dyn std::error::Error, hint: Option<String>) -> String {
        format!("{}\n    {}\n", whole_message(error), hint.unwrap_or("no hint".into()))
    }

    fn system(kind: ErrorKind) -> io::Error {
        io::Error::new(kind, "the system's words")
    }

    #[test]
    fn of_the_pipeline() {
        let component = |part, source: BoxError| Error::Component { part, source };
        let file = |kind| Error::File { path: "cat.png".into(), source: system(kind) };
        let steps = SchedulerError::Steps { scheduler: "pndm", steps: 0, least: 1, most: 1000 };
        let errors = [
            steps.into(),
            component("LoRA", "some words".into()),
            component("LoRA", system(ErrorKind::NotFound).into()),
            component("UNet", "some words".into()),
            component("text encoder", gligen_clip_text::Error::ClipSkip { layers: 3, found: 9 }.into()),
            Error::Parts("two widths".into()),
            Error::Memory,
            file(ErrorKind::PermissionDenied),
            file(ErrorKind::StorageFull),
            file(ErrorKind::IsADirectory),
            file(ErrorKind::NotADirectory),
            file(ErrorKind::InvalidData),
            file(ErrorKind::Other),
            Error::NotAModel { path: "here".into(), reason: "nothing in it".into() },
            Error::NoConfigs { path: "model.ckpt".into(), reason: "its UNet has three blocks".into() },
            Error::NotFinite { step: 1, of: 50 },
            Error::NotFinite { step: 2, of: 50 },
            Error::Cancelled { step: 2, of: 50 },
        ];
        insta::assert_snapshot!(errors.iter().map(|error| told(error, error.hint())).collect::<String>());
    }

    #[test]
    fn of_requests() {
        let place = || "objects[0]".to_owned();
        let range = |field, expected: &str, found: &str| RequestError::Range {
            field,
            expected: expected.into(),
            found: found.into(),
        };
        let errors = [
            RequestError::NoPrompt,
            RequestError::NegativePrompts { prompts: 3, found: 2 },
            RequestError::ObjectLists { prompts: 3, found: 2 },
            RequestError::EmptyObject { place: place() },
            RequestError::Mask { place: place(), name: "phrase_mask", value: 2.0 },
            RequestError::OutsideBox { place: place(), name: "x0", value: 1.5 },
            RequestError::OutsideBox { place: place(), name: "x0", value: -0.5 },
            RequestError::InvertedBox { place: place(), found: [0.9, 0.2, 0.1, 0.8] },
            range("width", "a multiple of 8", "100"),
            range("height", "a multiple of 8, from 8", "0"),
            range("steps", "1 or more", "0"),
            range("num_images", "1 or more", "0"),
            range("guidance_scale", "a finite number", "NaN"),
            range("scheduled_sampling_beta", "0 to 1", "2"),
            range("eta", "0 to 1", "2"),
            RequestError::NoPositionNet,
            RequestError::TakesNoPictures { place: place() },
            RequestError::NoImageEncoder { place: place() },
            RequestError::NotAnInpaintingModel { in_channels: 4 },
            RequestError::BlendOnInpaintingModel { in_channels: 9 },
            RequestError::NothingToRepaint { in_channels: 9 },
            RequestError::Channels { in_channels: 5, plain: 4 },
            RequestError::MaskSize { image: (8, 8), mask: (8, 9) },
            RequestError::NowhereToRepaint,
            RequestError::Latents { expected: [1, 4, 8, 8], found: [1, 4, 8, 9] },
        ];
        assert!(errors.iter().all(|error| error.hint().is_some()));
        insta::assert_snapshot!(errors.iter().map(|error| told(error, error.hint())).collect::<String>());
    }

    #[test]
    fn of_layouts_and_pictures() {
        let picture = |source: PictureError| LayoutError::Picture {
            path: "objects[0].image".into(),
            source: source.into(),
        };
        let path = || "cat.png".into();
        let errors = [
            LayoutError::File { path: path(), source: system(ErrorKind::NotFound) },
            crate::Layout::from_json("a cat").unwrap_err(),
            LayoutError::NotAnObject { path: "objects[0]".into(), found: "a number" },
            LayoutError::UnknownKey { path: "promt".into(), nearest: Some("prompt") },
            LayoutError::UnknownKey { path: "xyz".into(), nearest: None },
            LayoutError::Value { path: "steps".into(), reason: "expected a number".into() },
            LayoutError::NoInpaintImage { key: "inpaint_mask" },
            LayoutError::NoLayoutInPicture,
            picture(PictureError::File { path: path(), source: system(ErrorKind::NotFound) }),
            picture(PictureError::File { path: path(), source: system(ErrorKind::PermissionDenied) }),
            picture(PictureError::Format { path: path() }),
            picture(PictureError::Size { path: path(), width: 9, height: 9, max_pixels: 80 }),
            picture(PictureError::NotEmbedded { start: "a cat".into() }),
        ];
        assert!(errors.iter().all(|error| error.hint().is_some()));
        insta::assert_snapshot!(errors.iter().map(|error| told(error, error.hint())).collect::<String>());
    }
}
