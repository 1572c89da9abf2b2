//! The layout file: a request as JSON.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use gligen_schedulers::SchedulerKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::layout_values::{self, six_decimals};
use crate::png_file::{LAYOUT_KEYWORD, PngError, read_png_texts};
use crate::{Compat, Object, Plan, Request};

/// The most bytes that a layout, or a picture that holds one, may have.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// A request as it stands in a layout file, in a picture made by us and in the body of a request to a server.
///
/// Only `prompt` is required; what is left out has the model's default. Numbers count to 6 decimals, in the file and
/// in the request made of it, so that a picture's own layout repeats it exactly.
///
/// ```
/// use gligen_pipeline::Layout;
///
/// let layout = Layout::from_json(
///     r#"{"prompt": "a cat", "objects": [{"phrase": "a cat", "box": [0.1, 0.2, 0.9, 0.8]}], "seed": 7}"#,
/// )?;
/// assert_eq!(layout.clone().into_request().objects.len(), 1);
///
/// let error = Layout::from_json(r#"{"promt": "a cat"}"#).unwrap_err();
/// assert_eq!(error.hint().unwrap(), "did you mean `prompt`?");
/// # Ok::<(), gligen_pipeline::LayoutError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Captions: a text, or a list of them.
    #[serde(with = "layout_values::texts")]
    pub prompt: Vec<String>,
    /// What to keep out: a text for all captions, or a list with one for each.
    #[serde(with = "layout_values::texts", default, skip_serializing_if = "Vec::is_empty")]
    pub negative_prompt: Vec<String>,
    /// What stands where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<LayoutObject>,
    /// Width in pixels, a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Height in pixels, a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<usize>,
    /// Inference steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// How much the caption counts.
    #[serde(with = "layout_values::decimal", default, skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f64>,
    /// Share of the evaluations in which objects count, 0 to 1.
    #[serde(with = "layout_values::decimal", default, skip_serializing_if = "Option::is_none")]
    pub scheduled_sampling_beta: Option<f64>,
    /// The sampler, by name.
    #[serde(with = "layout_values::scheduler", default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<SchedulerKind>,
    /// Start of the random numbers; none, or -1 in the file, takes a random one.
    #[serde(with = "layout_values::seed", default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Pictures of each caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_images: Option<usize>,
    /// Share of fresh noise in a DDIM step, 0 to 1.
    #[serde(with = "layout_values::decimal", default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Last layers of the text encoder to leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<usize>,
    /// Whose random numbers and habits to follow: left out, or `"diffusers"`.
    #[serde(with = "layout_values::compat", default, skip_serializing_if = "layout_values::compat::is_none")]
    pub compat: Compat,
    /// Which picture of the batch to keep, from 0; all if left out. With `"compat": "diffusers"` one stream of
    /// random numbers serves a whole batch, so that a picture of it is repeated only by drawing the batch again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// One thing and its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutObject {
    /// What it is.
    pub phrase: String,
    /// Corners x0 y0 x1 y1, fractions of width and height from the top left.
    #[serde(rename = "box", with = "layout_values::corners")]
    pub rect: [f64; 4],
}

/// What is wrong with a layout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Something other than a table at a place for one.
    #[error("`{path}`: expected an object in braces, found {found}")]
    NotAnObject {
        /// The place.
        path: String,
        /// What stands there.
        found: &'static str,
    },
    /// A key that no layout has.
    #[error("unknown key `{path}`")]
    UnknownKey {
        /// The place and the key.
        path: String,
        /// The known key that resembles it.
        nearest: Option<&'static str>,
    },
    /// A key of layouts with pictures.
    #[error("`{path}`: not yet supported: it needs a model that takes pictures")]
    NeedsPictures {
        /// The place and the key.
        path: String,
    },
    /// A value that cannot stand at its place.
    #[error("`{path}`: {reason}")]
    Value {
        /// The place.
        path: String,
        /// What was expected and found.
        reason: String,
    },
    /// A picture that holds no layout.
    #[error("this picture holds no layout (text `{LAYOUT_KEYWORD}`)")]
    NoLayoutInPicture,
    /// A picture that cannot be read.
    #[error(transparent)]
    Picture(#[from] PngError),
}

impl LayoutError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { nearest, .. } => nearest.map(|key| format!("did you mean `{key}`?")),
            Self::NoLayoutInPicture => {
                Some("only pictures written by gligen, without --no-metadata, can be drawn again".into())
            }
            _ => None,
        }
    }
}

impl Layout {
    /// Reads the JSON text of a layout.
    ///
    /// # Errors
    /// All but [`LayoutError::File`]; each names the place, as in `objects[2].box[1]`.
    pub fn from_json(text: &str) -> Result<Self, LayoutError> {
        // Keys first, so that a misspelt one gets the nearest known one rather than a list of all.
        let value: Value = serde_json::from_str(text).map_err(LayoutError::Json)?;
        check_keys(&value, "", LAYOUT_KEYS)?;
        if let Some(Value::Array(objects)) = value.get("objects") {
            for (index, object) in objects.iter().enumerate() {
                check_keys(object, &format!("objects[{index}]"), OBJECT_KEYS)?;
            }
        }
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
            let (path, reason) = (error.path().to_string(), error.inner().to_string());
            let path = if path == "." { "layout".into() } else { path };
            LayoutError::Value { path, reason }
        })
    }

    /// Reads a layout from the bytes of a JSON file, or of a picture made by us.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LayoutError> {
        if bytes.starts_with(b"\x89PNG") {
            let texts = read_png_texts(Cursor::new(bytes))?;
            let layout = texts.into_iter().find(|(keyword, _)| keyword == LAYOUT_KEYWORD);
            return Self::from_json(&layout.ok_or(LayoutError::NoLayoutInPicture)?.1);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| LayoutError::Value {
            path: "layout".into(),
            reason: format!("neither a PNG file nor UTF-8 text: {error}"),
        })?;
        Self::from_json(text)
    }

    /// Reads a layout file, or the layout in a picture made by us.
    pub fn read(path: &Path) -> Result<Self, LayoutError> {
        let file_error = |source| LayoutError::File { path: path.into(), source };
        let file = std::fs::File::open(path).map_err(file_error)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(file_error)?;
        Self::from_bytes(&bytes)
    }

    /// The JSON text, in one line; reading and writing it again gives the same bytes.
    pub fn to_json(&self) -> String {
        // Texts and numbers only: nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The request that it makes. A random seed is drawn here, if it asks for one.
    pub fn into_request(self) -> Request {
        Request {
            prompts: self.prompt,
            negative_prompts: self.negative_prompt,
            objects: self
                .objects
                .into_iter()
                .map(|object| Object::phrase(object.phrase, object.rect.map(six_decimals)))
                .collect(),
            steps: self.steps,
            guidance_scale: self.guidance_scale.map(six_decimals),
            scheduled_sampling_beta: self.scheduled_sampling_beta.map(six_decimals),
            eta: self.eta.map_or(0.0, six_decimals),
            clip_skip: self.clip_skip.unwrap_or(0),
            scheduler: self.scheduler,
            height: self.height,
            width: self.width,
            seed: self.seed.unwrap_or_else(random_seed),
            num_images: self.num_images,
            compat: self.compat,
            ..Request::default()
        }
    }

    /// The layout that repeats picture `index` of `plan`, with every number settled.
    ///
    /// It asks for that picture alone; with [`Compat::Diffusers`] for the whole batch, of which it keeps the one.
    /// Latents that were given to start from are not part of a layout.
    pub fn of_picture(plan: &Plan, index: usize) -> Self {
        let request = &plan.request;
        let whole = Self {
            prompt: request.prompts.clone(),
            negative_prompt: request.negative_prompts.clone(),
            objects: request
                .objects
                .iter()
                .map(|object| LayoutObject { phrase: object.phrase.clone(), rect: object.rect })
                .collect(),
            width: Some(plan.width),
            height: Some(plan.height),
            steps: Some(plan.steps),
            guidance_scale: Some(plan.guidance_scale),
            scheduled_sampling_beta: Some(plan.scheduled_sampling_beta),
            scheduler: request.scheduler,
            seed: Some(request.seed),
            num_images: Some(plan.num_images),
            eta: Some(request.eta),
            clip_skip: Some(request.clip_skip),
            compat: request.compat,
            index: None,
        };
        if plan.pictures() == 1 {
            return whole;
        }
        match request.compat {
            Compat::Diffusers => Self { index: Some(index), ..whole },
            Compat::None => {
                let prompt = index / plan.num_images;
                let one =
                    |texts: &[String]| texts.get(prompt).or(texts.first()).cloned().into_iter().collect();
                Self {
                    prompt: one(&whole.prompt),
                    negative_prompt: one(&whole.negative_prompt),
                    seed: Some(request.seed.wrapping_add(index as u64)),
                    num_images: Some(1),
                    ..whole
                }
            }
        }
    }
}

/// A seed to start from where none was given: 32 bits, all that torch's generator takes in.
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::SystemTime::now()) >> 32
}

const LAYOUT_KEYS: &[&str] = &[
    "prompt",
    "negative_prompt",
    "objects",
    "width",
    "height",
    "steps",
    "guidance_scale",
    "scheduled_sampling_beta",
    "scheduler",
    "seed",
    "num_images",
    "eta",
    "clip_skip",
    "compat",
    "index",
];
const OBJECT_KEYS: &[&str] = &["phrase", "box"];

/// Keys of layouts with pictures, which are known but cannot be followed.
const PICTURE_KEYS: &[&str] = &["image", "phrase_mask", "image_mask", "inpaint_image", "inpaint_mask"];

/// How alike two keys must be, 0 to 1, to take one for a misspelling of the other.
const ALIKE: f64 = 0.75;

fn check_keys(value: &Value, path: &str, known: &'static [&'static str]) -> Result<(), LayoutError> {
    let found = match value {
        Value::Object(map) => {
            for key in map.keys() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if PICTURE_KEYS.contains(&key.as_str()) {
                    return Err(LayoutError::NeedsPictures { path });
                }
                if !known.contains(&key.as_str()) {
                    return Err(LayoutError::UnknownKey { path, nearest: nearest(key, known) });
                }
            }
            return Ok(());
        }
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    let path = if path.is_empty() { "layout" } else { path };
    Err(LayoutError::NotAnObject { path: path.into(), found })
}

fn nearest(key: &str, known: &'static [&'static str]) -> Option<&'static str> {
    let alike = known.iter().map(|name| (strsim::jaro_winkler(&key.to_lowercase(), name), *name));
    alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
