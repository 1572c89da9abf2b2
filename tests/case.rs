//! A stored run of the reference, and the request that repeats it.

#![forbid(unsafe_code)]

use gligen_pipeline::{Compat, Object, Request};
use gligen_schedulers::SchedulerKind;
use gligen_testkit::fixtures;
use serde::Deserialize;

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
    pub phrases: Vec<String>,
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
        let objects = self.phrases.iter().zip(&self.boxes);
        request.objects = objects.map(|(phrase, rect)| Object::phrase(phrase, *rect)).collect();
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
}
