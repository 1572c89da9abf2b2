//! Which pictures Stable Diffusion's safety checker would not show.

use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_components::{BoxError, SafetyChecker};
use gligen_kernels::widened;
use gligen_nn::parameter;
use gligen_pictures::Picture;
use gligen_weights::{KeyMap, Weights};

use crate::config::read_config;
use crate::transformer::key_map;
use crate::{ClipVisionConfig, ClipVisionModel, Error, Preprocessor};

/// Concepts of which one is enough to withhold a picture.
const CONCEPTS: usize = 17;
/// Concepts that make the checker stricter about the others.
const SPECIAL_CARE: usize = 3;
/// How much stricter.
const ADJUSTMENT: f32 = 0.01;
/// A vector shorter than this is divided by it instead of by its length.
const SHORTEST: f64 = 1e-12;

/// Compares pictures with concepts that are known by their states alone.
///
/// Source: diffusers `pipelines/stable_diffusion/safety_checker.py`, `StableDiffusionSafetyChecker`.
#[derive(Debug)]
pub struct ClipSafetyChecker {
    preprocessor: Preprocessor,
    model: ClipVisionModel,
    concepts: Concepts,
    device: Device,
}

/// How near a picture is to each concept: the cosine, less the concept's threshold, to three decimals.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyScores {
    /// Of the concepts for special care. Behind the first that is above 0, all have 0.01 added, the others too.
    pub special_care: Vec<f32>,
    /// Of the other concepts.
    pub concepts: Vec<f32>,
}

impl SafetyScores {
    /// Whether the picture is nearer than allowed to one of the concepts that are not for special care.
    pub fn is_flagged(&self) -> bool {
        self.concepts.iter().any(|&score| score > 0.0)
    }
}

impl ClipSafetyChecker {
    /// Loads the folders `safety_checker` and `feature_extractor` of a published model.
    ///
    /// # Errors
    ///
    /// If a file is missing or malformed, a weight is missing or of another shape, or the two folders do not belong
    /// together.
    pub fn load(
        safety_checker: impl AsRef<Path>,
        feature_extractor: impl AsRef<Path>,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::load_with(safety_checker, feature_extractor, |weights| weights, device)
    }

    /// [`ClipSafetyChecker::load`] with what `prepare` makes of the weights.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn load_with(
        safety_checker: impl AsRef<Path>,
        feature_extractor: impl AsRef<Path>,
        prepare: impl FnOnce(Weights) -> Weights,
        device: &Device,
    ) -> Result<Self, Error> {
        let folder = safety_checker.as_ref();
        let config = read_config(folder)?;
        let weights = prepare(Weights::find(folder, &["model", "pytorch_model"])?);
        Self::from_parts(&config, &weights, Preprocessor::load(feature_extractor)?, device)
    }

    /// Puts a checker together from its parts, wherever they were read from: `config` is the text of a `config.json`.
    ///
    /// # Errors
    ///
    /// If a value is not supported, a weight is missing or of another shape, or the parts do not belong together.
    pub fn from_parts(
        config: &str,
        weights: &Weights,
        preprocessor: Preprocessor,
        device: &Device,
    ) -> Result<Self, Error> {
        let config = ClipVisionConfig::parse_safety_checker(config)?;
        preprocessor.check_fits("safety checker", &config)?;
        // Each is loaded past the other's weights.
        let ignoring = |map: KeyMap, names: &[&str]| names.iter().copied().fold(map, KeyMap::ignore);
        let model =
            weights.load(ClipVisionModel::new(&config, device), &ignoring(key_map(), &Concepts::NAMES))?;
        let concepts = weights.load(
            Concepts::new(config.projection_dim, device),
            &ignoring(KeyMap::new(), &["vision_model", "visual_projection"]),
        )?;
        Ok(Self { preprocessor, model, concepts, device: device.clone() })
    }

    /// How near each picture is to each concept.
    ///
    /// # Errors
    ///
    /// If a picture does not fit into memory.
    pub fn scores(&self, pictures: &[Picture]) -> Result<Vec<SafetyScores>, Error> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let pixel_values = self.preprocessor.pixel_values(pictures, &self.device)?;
        self.concepts.scores(self.model.image_embeds(pixel_values))
    }
}

impl SafetyChecker for ClipSafetyChecker {
    fn flag(&self, pictures: &[Picture]) -> Result<Vec<bool>, BoxError> {
        Ok(self.scores(pictures)?.iter().map(SafetyScores::is_flagged).collect())
    }
}

/// States and thresholds of the concepts, under their keys in the checkpoint.
#[derive(Module, Debug)]
struct Concepts {
    concept_embeds: Param<Tensor<2>>,
    special_care_embeds: Param<Tensor<2>>,
    concept_embeds_weights: Param<Tensor<1>>,
    special_care_embeds_weights: Param<Tensor<1>>,
}

impl Concepts {
    const NAMES: [&str; 4] =
        ["concept_embeds", "special_care_embeds", "concept_embeds_weights", "special_care_embeds_weights"];

    fn new(width: usize, device: &Device) -> Self {
        Self {
            concept_embeds: parameter([CONCEPTS, width], device),
            special_care_embeds: parameter([SPECIAL_CARE, width], device),
            concept_embeds_weights: parameter([CONCEPTS], device),
            special_care_embeds_weights: parameter([SPECIAL_CARE], device),
        }
    }

    /// `image_embeds`: `[pictures, width]`.
    fn scores(&self, image_embeds: Tensor<2>) -> Result<Vec<SafetyScores>, Error> {
        let image_embeds = normalised(image_embeds);
        // [pictures, concepts]
        let distances = |embeds: &Param<Tensor<2>>, thresholds: &Param<Tensor<1>>| {
            let cosines = image_embeds.clone().matmul(normalised(widened(embeds.val())).transpose());
            numbers(cosines - thresholds.val().unsqueeze())
        };
        let special_care = distances(&self.special_care_embeds, &self.special_care_embeds_weights)?;
        let concepts = distances(&self.concept_embeds, &self.concept_embeds_weights)?;
        let pictures = special_care.chunks(SPECIAL_CARE).zip(concepts.chunks(CONCEPTS));
        Ok(pictures.map(|(special_care, concepts)| scores(special_care, concepts)).collect())
    }
}

/// Scores of one picture. All in f32, as the reference computes since NumPy 2.
fn scores(special_care: &[f32], concepts: &[f32]) -> SafetyScores {
    let rounded = |score: f32| (score * 1000.0).round_ties_even() / 1000.0;
    let mut adjustment = 0.0;
    let mut special = Vec::with_capacity(special_care.len());
    for distance in special_care {
        let score = rounded(distance + adjustment);
        if score > 0.0 {
            adjustment = ADJUSTMENT;
        }
        special.push(score);
    }
    let concepts = concepts.iter().map(|distance| rounded(distance + adjustment)).collect();
    SafetyScores { special_care: special, concepts }
}

/// Rows of length 1.
fn normalised(rows: Tensor<2>) -> Tensor<2> {
    let lengths = rows.clone().square().sum_dim(1).sqrt().clamp_min(SHORTEST);
    rows / lengths
}

fn numbers(tensor: Tensor<2>) -> Result<Vec<f32>, Error> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(e.to_string()))?;
    data.try_into_vec_as().map_err(|e| Error::Device(format!("{e:?}")))
}
