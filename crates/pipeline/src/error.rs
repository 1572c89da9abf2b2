//! What can go wrong between a request and its pictures.

use std::path::PathBuf;

use gligen_components::BoxError;
use gligen_schedulers::SchedulerError;

/// Errors of the pipeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request asks for what cannot be.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The scheduler cannot do what was asked.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// A network failed.
    #[error("{part}: {source}")]
    Component {
        /// Which one.
        part: &'static str,
        /// What it said.
        source: BoxError,
    },
    /// Two networks do not belong together.
    #[error("the parts of this model do not fit together: {0}")]
    Parts(String),
    /// There is no memory for a picture.
    #[error("not enough memory for a picture of this size")]
    Memory,
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no model at this place.
    #[error("{path}: {reason}")]
    NotAModel {
        /// The place.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Networks come without configs, and are not those whose configs are known.
    #[error("{path}: it comes without configs, and {reason}")]
    NoConfigs {
        /// The file.
        path: PathBuf,
        /// What is not as expected.
        reason: String,
    },
    /// The latents stopped being numbers.
    #[error("the latents are not finite after step {step} of {of}")]
    NotFinite {
        /// The evaluation, from 1.
        step: usize,
        /// Of so many.
        of: usize,
    },
    /// The callback asked to stop.
    #[error("cancelled after step {step} of {of}")]
    Cancelled {
        /// The last evaluation done, from 1.
        step: usize,
        /// Of so many.
        of: usize,
    },
}

/// What is wrong with a request; found before anything is computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no caption.
    #[error("`prompt`: expected one or more captions, found none")]
    NoPrompt,
    /// Negative prompts must be none, one, or one for each caption.
    #[error("`negative_prompt`: expected none, one or {prompts} (one for each prompt), found {found}")]
    NegativePrompts {
        /// Number of captions.
        prompts: usize,
        /// Number of negative prompts.
        found: usize,
    },
    /// Lists of objects must be none, one, or one for each caption.
    #[error("`objects`: expected one list or {prompts} (one for each prompt), found {found}")]
    ObjectLists {
        /// Number of captions.
        prompts: usize,
        /// Number of lists.
        found: usize,
    },
    /// An object is not described.
    #[error("`{place}`: neither a phrase nor a picture says what it is")]
    EmptyObject {
        /// Which object.
        place: String,
    },
    /// How much a phrase or a picture counts is not a fraction.
    #[error("`{place}.{name}`: {value}, expected 0 to 1")]
    Mask {
        /// Which object.
        place: String,
        /// `phrase_mask` or `image_mask`.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A coordinate is not a fraction.
    #[error("`{place}.box`: {name} is {value}, expected 0 to 1")]
    OutsideBox {
        /// Which object, as in `objects[0]`.
        place: String,
        /// Which coordinate.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The corners are the wrong way round.
    #[error(
        "`{place}.box`: {found:?} is upside down or mirrored; expected x0 y0 x1 y1 with x0 <= x1 and y0 <= y1"
    )]
    InvertedBox {
        /// Which object.
        place: String,
        /// The box as given.
        found: [f64; 4],
    },
    /// A number is out of its range.
    #[error("`{field}`: expected {expected}, found {found}")]
    Range {
        /// The field.
        field: &'static str,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The model cannot place objects.
    #[error("this model has no position net: it cannot place objects")]
    NoPositionNet,
    /// An object has a picture, and the model was trained with phrases alone.
    #[error(
        "`{place}.image`: this model places objects by their phrases alone: it takes no pictures of them"
    )]
    TakesNoPictures {
        /// Which object.
        place: String,
    },
    /// An object has a picture, and the model cannot look at it.
    #[error("`{place}.image`: this model has no image encoder to look at it with")]
    NoImageEncoder {
        /// Which object.
        place: String,
    },
    /// The model repaints pictures and needs one.
    #[error(
        "this model's UNet takes {in_channels} channels: it repaints a given picture, and the request has none"
    )]
    NothingToRepaint {
        /// Channels of its input.
        in_channels: usize,
    },
    /// A picture to repaint, and a model that was not trained for it.
    #[error("`inpaint_image`: this model is not for inpainting: its UNet takes {in_channels} channels")]
    NotAnInpaintingModel {
        /// Channels of its input.
        in_channels: usize,
    },
    /// Blending, on a model that would look at channels that blending does not fill.
    #[error(
        "`inpaint_mode`: `blend` is for plain models; this one takes {in_channels} channels and is for inpainting"
    )]
    BlendOnInpaintingModel {
        /// Channels of its input.
        in_channels: usize,
    },
    /// Channels that are neither the latents' nor an inpainting model's.
    #[error(
        "this model's UNet takes {in_channels} channels; supported: {plain}, and {} for inpainting", 2 * plain + 1
    )]
    Channels {
        /// Channels of its input.
        in_channels: usize,
        /// Channels of the latents.
        plain: usize,
    },
    /// A mask that does not lie on its picture.
    #[error(
        "`inpaint_mask`: {}×{} pixels, expected {}×{} as of the picture that it belongs to",
        mask.0, mask.1, image.0, image.1
    )]
    MaskSize {
        /// Width and height of the picture.
        image: (usize, usize),
        /// Width and height of the mask.
        mask: (usize, usize),
    },
    /// Neither mask nor box says where to repaint.
    #[error("`inpaint_image`: neither a mask nor a box says where to repaint it")]
    NowhereToRepaint,
    /// The latents given do not fit.
    #[error("`latents`: expected shape {expected:?}, found {found:?}")]
    Latents {
        /// What the request needs.
        expected: [usize; 4],
        /// What was given.
        found: [usize; 4],
    },
}

/// The message and its causes, without a cause that the message tells already: what programs tell of an error.
pub fn whole_message(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
