//! A model in the published layout: a folder, or the files that are built in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use gligen_clip_text::{ClipTextConfig, ClipTextEncoder, Tokenizer};
use gligen_clip_vision::{ClipImageEncoder, ClipSafetyChecker};
use gligen_components::{BoxError, Denoiser, ImageEncoder, SafetyChecker};
use gligen_schedulers::SchedulerConfig;
use gligen_unet::UNet;
use gligen_vae::AutoencoderKl;
use gligen_weights::Weights;

use crate::{Defaults, Error, Parts, Pipeline, built_in};

/// Where a model's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelDir {
    /// A folder in the diffusers layout.
    Folder(PathBuf),
    /// The small model that is compiled in.
    BuiltIn,
}

/// What to load of a model beside what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The safety checker, if the model has one.
    pub safety_checker: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { safety_checker: true }
    }
}

/// Folders that a model must have.
const PARTS: [&str; 5] = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"];

impl ModelDir {
    /// The model in the folder `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let not_a_model = |reason: String| Error::NotAModel { path: path.into(), reason };
        if !path.exists() {
            return Err(not_a_model("no such folder".into()));
        }
        if !path.is_dir() {
            return Err(not_a_model("not a folder".into()));
        }
        // `model_index.json` is not asked: the class that published ones name is often wrong, and all that is
        // needed stands in the parts.
        let missing: Vec<_> = PARTS.into_iter().filter(|part| !path.join(part).is_dir()).collect();
        if !missing.is_empty() {
            return Err(not_a_model(format!("not a model folder: {} missing", missing.join(", "))));
        }
        Ok(Self::Folder(path.into()))
    }

    /// The text of the file `name` of `part`.
    pub fn text(&self, part: &str, name: &str) -> Result<String, Error> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(part).join(name);
                std::fs::read_to_string(&path).map_err(|source| Error::File { path, source })
            }
            Self::BuiltIn => Ok(built_in::text(part, name).into()),
        }
    }

    /// The weights of `part`, of which only the headers are read here.
    pub fn weights(&self, part: &str) -> Result<Weights, Error> {
        let component = |source: BoxError| Error::Component { part: part_name(part), source };
        match self {
            Self::Folder(folder) => {
                Weights::find(&folder.join(part), &["diffusion_pytorch_model", "model", "pytorch_model"])
            }
            Self::BuiltIn => built_in::weights(part),
        }
        .map_err(|e| component(e.into()))
    }

    /// Loads all parts that the model needs, and those of `options` that it has.
    pub fn load(&self, options: LoadOptions, device: &Device) -> Result<Pipeline, Error> {
        let component = |part: &str| {
            let part = part_name(part);
            move |source: BoxError| Error::Component { part, source }
        };
        let unet = UNet::from_parts(&self.text("unet", "config.json")?, &self.weights("unet")?, device)
            .map_err(|e| component("unet")(e.into()))?;
        let vae = AutoencoderKl::from_parts(&self.text("vae", "config.json")?, &self.weights("vae")?, device)
            .map_err(|e| component("vae")(e.into()))?;
        let tokenizer = self.tokenizer().map_err(component("tokenizer"))?;
        let config = self.text("text_encoder", "config.json")?;
        let weights = self.weights("text_encoder")?;
        let text_encoder = ClipTextConfig::parse(config.as_bytes())
            .and_then(|config| ClipTextEncoder::from_parts(config, &weights, tokenizer, device))
            .map_err(|e| component("text_encoder")(e.into()))?;
        let scheduler = SchedulerConfig::from_json(&self.text("scheduler", "scheduler_config.json")?)?;
        let defaults = match self {
            Self::Folder(_) => Defaults::default(),
            Self::BuiltIn => built_in::DEFAULTS,
        };
        let parts = Parts {
            text_encoder: Arc::new(text_encoder),
            image_encoder: if unet.takes_pictures() { self.image_encoder(device)? } else { None },
            denoiser: Arc::new(unet),
            autoencoder: Arc::new(vae),
            safety_checker: if options.safety_checker { self.safety_checker(device)? } else { None },
            scheduler,
            defaults,
        };
        Pipeline::new(parts, device)
    }

    /// A folder of the model, if it has one.
    fn optional(&self, part: &str) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(part)).filter(|path| path.is_dir()),
            Self::BuiltIn => None,
        }
    }

    fn image_encoder(&self, device: &Device) -> Result<Option<Arc<dyn ImageEncoder>>, Error> {
        let Some(image_encoder) = self.optional("image_encoder") else { return Ok(None) };
        let beside = |part| image_encoder.with_file_name(part);
        // What older models lack, the feature extractor of their safety checker says as well.
        let processor = self.optional("processor").unwrap_or_else(|| beside("feature_extractor"));
        let encoder = ClipImageEncoder::load(&image_encoder, beside("image_project"), processor, device)
            .map_err(|e| Error::Component { part: "image encoder", source: e.into() })?;
        Ok(Some(Arc::new(encoder)))
    }

    fn safety_checker(&self, device: &Device) -> Result<Option<Arc<dyn SafetyChecker>>, Error> {
        let Some(safety_checker) = self.optional("safety_checker") else { return Ok(None) };
        let extractor = safety_checker.with_file_name("feature_extractor");
        let checker = ClipSafetyChecker::load(&safety_checker, extractor, device)
            .map_err(|e| Error::Component { part: "safety checker", source: e.into() })?;
        Ok(Some(Arc::new(checker)))
    }

    fn tokenizer(&self) -> Result<Tokenizer, BoxError> {
        match self {
            Self::Folder(folder) => Ok(Tokenizer::load(folder.join("tokenizer"))?),
            Self::BuiltIn => built_in::tokenizer(),
        }
    }
}

impl Pipeline {
    /// Loads a model folder in the diffusers layout.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        ModelDir::open(path)?.load(LoadOptions::default(), device)
    }

    /// The small model that is compiled in: pictures of 128×128, 48 things on 12 plain backgrounds.
    pub fn built_in(device: &Device) -> Result<Self, Error> {
        ModelDir::BuiltIn.load(LoadOptions::default(), device)
    }
}

fn part_name(part: &str) -> &'static str {
    match part {
        "unet" => "UNet",
        "vae" => "autoencoder",
        "tokenizer" => "tokenizer",
        _ => "text encoder",
    }
}
