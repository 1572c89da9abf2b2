//! The layout file: a request as JSON.

mod error;
mod import;
mod keys;
mod lines;
#[cfg(feature = "schema")]
mod schema;
mod values;

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use gligen_components::Picture;
use gligen_schedulers::SchedulerKind;
use serde::{Deserialize, Serialize};

pub use self::error::LayoutError;
pub use self::import::{ForeignFormat, ImportError, ImportOptions, Imported};
pub use self::lines::{layout_lines, without_mark};
use self::values::six_decimals;
use crate::embedded_picture::{embedded_picture, is_data_url};
use crate::png_file::{LAYOUT_KEYWORD, read_png_texts};
use crate::{
    Compat, EmbeddingFile, Inpaint, InpaintMode, LoraFile, Object, PictureError, Plan, Request, Transparency,
    read_picture,
};

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
/// assert_eq!(layout.objects[0].len(), 1);
///
/// let error = Layout::from_json(r#"{"promt": "a cat"}"#).unwrap_err();
/// assert_eq!(error.hint().unwrap(), "did you mean `prompt`?");
/// # Ok::<(), gligen_pipeline::LayoutError>(())
/// ```
///
/// A file may also name its schema, in `$schema`, for editors; that is read over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Layout {
    /// Captions: a text, or a list of them.
    #[serde(with = "values::texts")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::texts"))]
    pub prompt: Vec<String>,
    /// What to keep out: a text for all captions, or a list with one for each.
    #[serde(with = "values::texts", default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::texts"))]
    pub negative_prompt: Vec<String>,
    /// What stands where: a list for all captions, or a list of such lists with one for each.
    #[serde(
        with = "values::object_lists",
        default,
        skip_serializing_if = "values::object_lists::is_nothing"
    )]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::object_lists"))]
    pub objects: Vec<Vec<LayoutObject>>,
    /// LoRA files that the model is to be changed by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraFile>,
    /// Files with words that captions and phrases use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embeddings: Vec<EmbeddingFile>,
    /// The file of a picture to repaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpaint_image: Option<PathBuf>,
    /// The file of a mask of the same size, white where to repaint; left out, the boxes are repainted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpaint_mask: Option<PathBuf>,
    /// How the network learns what is known of the picture: `"model"` or `"blend"`.
    #[serde(with = "values::inpaint_mode", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::inpaint_mode"))]
    pub inpaint_mode: Option<InpaintMode>,
    /// Whether what is kept has exactly the picture's own pixels in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpaint_restore: Option<bool>,
    /// Width in pixels, a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("multipleOf" = 8), range(min = 8)))]
    pub width: Option<usize>,
    /// Height in pixels, a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("multipleOf" = 8), range(min = 8)))]
    pub height: Option<usize>,
    /// Inference steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub steps: Option<usize>,
    /// How much the caption counts.
    #[serde(with = "values::decimal", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub guidance_scale: Option<f64>,
    /// Share of the evaluations in which objects count, 0 to 1.
    #[serde(with = "values::decimal", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 1)))]
    pub scheduled_sampling_beta: Option<f64>,
    /// The sampler, by name.
    #[serde(with = "values::scheduler", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::scheduler"))]
    pub scheduler: Option<SchedulerKind>,
    /// Start of the random numbers; none, or -1 in the file, takes a random one.
    #[serde(with = "values::seed", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::seed"))]
    pub seed: Option<u64>,
    /// Pictures of each caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub num_images: Option<usize>,
    /// Share of fresh noise in a DDIM step, 0 to 1.
    #[serde(with = "values::decimal", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 1)))]
    pub eta: Option<f64>,
    /// Last layers of the text encoder to leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<usize>,
    /// Whose random numbers and habits to follow: left out, or `"diffusers"`.
    #[serde(with = "values::compat", default, skip_serializing_if = "values::compat::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::compat"))]
    pub compat: Compat,
    /// Which picture of the batch to keep, from 0; all if left out. With `"compat": "diffusers"` one stream of
    /// random numbers serves a whole batch, so that a picture of it is repeated only by drawing the batch again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// One thing and its place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayoutObject {
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// The file of a picture that it looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<PathBuf>,
    /// Corners x0 y0 x1 y1, fractions of width and height from the top left.
    #[serde(rename = "box", with = "values::corners")]
    #[cfg_attr(feature = "schema", schemars(with = "[f64; 4]", inner(range(min = 0, max = 1))))]
    pub rect: [f64; 4],
    /// How much the phrase counts, 0 to 1; 1 if left out.
    #[serde(with = "values::decimal", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 1)))]
    pub phrase_mask: Option<f64>,
    /// How much the picture counts, 0 to 1; 1 if left out.
    #[serde(with = "values::decimal", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>", range(min = 0, max = 1)))]
    pub image_mask: Option<f64>,
}

impl LayoutObject {
    fn into_object(self, place: &str, read: &mut ReadPicture) -> Result<Object, LayoutError> {
        let mut object = Object::phrase("", self.rect.map(six_decimals));
        object.phrase = self.phrase;
        object.phrase_mask = self.phrase_mask.map_or(1.0, six_decimals);
        object.image_mask = self.image_mask.map_or(1.0, six_decimals);
        object.image = picture(self.image, Transparency::OverWhite, &format!("{place}.image"), read)?;
        Ok(object)
    }
}

/// Gives the picture that a layout names.
type ReadPicture<'a> = dyn FnMut(&Path, Transparency) -> Result<Picture, PictureError> + 'a;

/// Reads the picture that stands at `place`, if one does.
fn picture(
    name: Option<PathBuf>,
    transparency: Transparency,
    place: &str,
    read: &mut ReadPicture,
) -> Result<Option<Picture>, LayoutError> {
    let picture = name.map(|name| read(&name, transparency)).transpose();
    picture.map_err(|source| LayoutError::Picture { path: place.into(), source: source.into() })
}

impl Layout {
    /// Reads the JSON text of a layout.
    ///
    /// # Errors
    /// All but [`LayoutError::File`]; each names the place, as in `objects[2].box[1]`.
    pub fn from_json(text: &str) -> Result<Self, LayoutError> {
        // Keys first, so that a misspelt one gets the nearest known one rather than a list of all.
        keys::check(&serde_json::from_str(text).map_err(LayoutError::Json)?)?;
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
            let (path, reason) = (error.path().to_string(), error.inner().to_string());
            let path = if path == "." { "layout".into() } else { path };
            LayoutError::Value { path, reason }
        })
    }

    /// Reads a layout from the bytes of a JSON file, which may begin with a byte-order mark, or of a picture made by us.
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
        Self::from_json(without_mark(text))
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

    /// The request that it makes, with the pictures that it names read from their files, whose paths are relative to
    /// `folder`; a data URL is a picture itself. A random seed is drawn here, if it asks for one.
    ///
    /// # Errors
    /// [`LayoutError::Picture`], [`LayoutError::NoInpaintImage`].
    pub fn into_request(self, folder: &Path) -> Result<Request, LayoutError> {
        self.into_request_with(|name, transparency| match name.to_str() {
            Some(text) if is_data_url(name) => embedded_picture(text, transparency, u64::MAX),
            _ => read_picture(&folder.join(name), transparency),
        })
    }

    /// [`Layout::into_request`] with every picture that it names given by `read`: a server, say, opens no files that a
    /// request names and takes [`embedded_picture`]s alone.
    ///
    /// # Errors
    /// [`LayoutError::Picture`] with what `read` says, [`LayoutError::NoInpaintImage`].
    pub fn into_request_with(
        self,
        mut read: impl FnMut(&Path, Transparency) -> Result<Picture, PictureError>,
    ) -> Result<Request, LayoutError> {
        let inpaint = self.inpaint(&mut read)?;
        let is_one_list = self.objects.len() == 1;
        let mut lists = Vec::new();
        for (list, objects) in self.objects.into_iter().enumerate() {
            let place = |index| match is_one_list {
                true => format!("objects[{index}]"),
                false => format!("objects[{list}][{index}]"),
            };
            let objects = objects.into_iter().enumerate();
            let objects = objects.map(|(index, object)| object.into_object(&place(index), &mut read));
            lists.push(objects.collect::<Result<_, _>>()?);
        }
        Ok(Request {
            prompts: self.prompt,
            negative_prompts: self.negative_prompt,
            objects: lists,
            inpaint,
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
        })
    }

    fn inpaint(&self, read: &mut ReadPicture) -> Result<Option<Inpaint>, LayoutError> {
        let image = picture(self.inpaint_image.clone(), Transparency::Ignored, "inpaint_image", read)?;
        let Some(image) = image else {
            let beside = [
                ("inpaint_mask", self.inpaint_mask.is_some()),
                ("inpaint_mode", self.inpaint_mode.is_some()),
                ("inpaint_restore", self.inpaint_restore.is_some()),
            ];
            let given = beside.into_iter().find(|(_, is_given)| *is_given);
            return given.map_or(Ok(None), |(key, _)| Err(LayoutError::NoInpaintImage { key }));
        };
        let mut inpaint = Inpaint::new(image);
        inpaint.mask = picture(self.inpaint_mask.clone(), Transparency::Ignored, "inpaint_mask", read)?;
        inpaint.mode = self.inpaint_mode.unwrap_or_default();
        inpaint.restore = self.inpaint_restore.unwrap_or(inpaint.restore);
        Ok(Some(inpaint))
    }

    /// The paths of all pictures that it names, those left out that are themselves in it.
    pub fn pictures_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let of_objects = self.objects.iter_mut().flatten().filter_map(|object| object.image.as_mut());
        let all = of_objects.chain(&mut self.inpaint_image).chain(&mut self.inpaint_mask);
        all.filter(|path| !is_data_url(path))
    }

    /// The paths of all LoRA files and textual inversions that it names.
    pub fn adapters_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let loras = self.loras.iter_mut().map(|lora| &mut lora.path);
        loras.chain(self.embeddings.iter_mut().map(|embedding| &mut embedding.path))
    }

    /// The layout that repeats picture `index` of `plan`, which was made of this one, with every number settled.
    ///
    /// It asks for that picture alone; with [`Compat::Diffusers`] for the whole batch, of which it keeps the one.
    /// Latents that were given to start from are not part of a layout.
    pub fn of_picture(&self, plan: &Plan, index: usize) -> Self {
        let request = &plan.request;
        let whole = Self {
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
            ..self.clone()
        };
        if plan.pictures() == 1 {
            return whole;
        }
        match request.compat {
            Compat::Diffusers => Self { index: Some(index), ..whole },
            Compat::None => {
                let prompt = index / plan.num_images;
                Self {
                    prompt: one(&whole.prompt, prompt),
                    negative_prompt: one(&whole.negative_prompt, prompt),
                    objects: one(&whole.objects, prompt),
                    seed: Some(request.seed.wrapping_add(index as u64)),
                    num_images: Some(1),
                    ..whole
                }
            }
        }
    }
}

/// Of what is given once for all captions or once for each, that of the caption `prompt`.
fn one<T: Clone>(values: &[T], prompt: usize) -> Vec<T> {
    values.get(prompt).or(values.first()).cloned().into_iter().collect()
}

/// A seed to start from where none was given: 32 bits, all that torch's generator takes in.
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::SystemTime::now()) >> 32
}
