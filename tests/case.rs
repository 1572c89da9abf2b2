//! A stored run of the reference, and the request that repeats it.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use gligen_pipeline::{Compat, Inpaint, Object, Picture, Request, Transparency, read_picture};
use gligen_schedulers::SchedulerKind;
use gligen_testkit::{assemble, fixtures};
use serde::Deserialize;
use tempfile::TempDir;

/// The folder of the pictures that cases name.
pub fn pictures() -> PathBuf {
    fixtures().join("pictures")
}

fn picture(name: &str) -> Picture {
    read_picture(&pictures().join(name), Transparency::OverWhite).unwrap()
}

/// The folder of a model that cases name, put together if it is stored in parts.
#[derive(Debug)]
pub enum ModelFolder {
    /// Stored as a whole.
    Stored(PathBuf),
    /// Put together, and gone with this value.
    Assembled(TempDir),
}

impl ModelFolder {
    /// The folder of the model `name`.
    pub fn of(name: &str) -> Self {
        match name {
            "tiny-gligen" => Self::Stored(fixtures().join(name)),
            "inpaint" => Self::Assembled(assemble(&["text-box", name])),
            "inpaint-text-image" => Self::Assembled(assemble(&["text-image", name])),
            _ => Self::Stored(fixtures().join("models").join(name)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Stored(path) => path,
            Self::Assembled(folder) => folder.path(),
        }
    }
}

/// One entry of `fixtures/runs.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the arguments of the reference's pipeline, by their names
pub struct Case {
    pub name: String,
    pub model: String,
    pub scheduler: String,
    pub prompts: Vec<String>,
    pub negative_prompts: Option<Vec<String>>,
    pub phrases: Vec<Option<String>>,
    pub boxes: Vec<[f64; 4]>,
    pub steps: usize,
    pub guidance_scale: f64,
    pub beta: f64,
    pub eta: f64,
    pub clip_skip: Option<usize>,
    pub seed: u64,
    pub width: usize,
    pub height: usize,
    pub num_images: usize,
    pub images: Option<Vec<Option<String>>>,
    pub phrases_mask: Option<Vec<f64>>,
    pub images_mask: Option<Vec<f64>>,
    pub inpaint_image: Option<String>,
}

impl Case {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let text = std::fs::read_to_string(fixtures().join("runs.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The request that follows the reference's random numbers.
    pub fn request(&self) -> Request {
        let mut request = Request::default();
        request.prompts = self.prompts.clone();
        request.negative_prompts = self.negative_prompts.clone().unwrap_or_default();
        request.objects = vec![(0..self.boxes.len()).map(|index| self.object(index)).collect()];
        request.inpaint = self.inpaint_image.as_ref().map(|name| Inpaint::new(picture(name)));
        request.steps = Some(self.steps);
        request.guidance_scale = Some(self.guidance_scale);
        request.scheduled_sampling_beta = Some(self.beta);
        request.eta = self.eta;
        request.clip_skip = self.clip_skip.unwrap_or(0);
        request.scheduler = Some(self.scheduler.parse::<SchedulerKind>().unwrap());
        request.num_images = Some(self.num_images);
        request.compat = Compat::Diffusers;
        request.size(self.width, self.height).seed(self.seed)
    }

    fn object(&self, index: usize) -> Object {
        let mut object = Object::phrase("", self.boxes[index]);
        object.phrase = self.phrases[index].clone();
        object.image = self.image(index).map(picture);
        let mask = |masks: &Option<Vec<f64>>| masks.as_ref().map_or(1.0, |masks| masks[index]);
        object.with_masks(mask(&self.phrases_mask), mask(&self.images_mask))
    }

    /// The name of the picture of an object, if it has one.
    pub fn image(&self, index: usize) -> Option<&str> {
        self.images.as_ref()?[index].as_deref()
    }
}
