//! A model that is not loaded yet: a folder in the published layout, networks from elsewhere, or the files that are built
//! in.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use gligen_clip_text::{ClipTextConfig, ClipTextEncoder, Tokenizer, TokenizerFiles, add_words};
use gligen_clip_vision::{ClipImageEncoder, ClipSafetyChecker};
use gligen_components::{BoxError, Denoiser, ImageEncoder, SafetyChecker};
use gligen_schedulers::SchedulerConfig;
use gligen_unet::UNet;
use gligen_vae::{AutoencoderKl, Tiling};
use gligen_weights::{Checkpoint, Layout, Part, Weights, WeightsError};

use crate::adapter_files::{EmbeddingFile, LoraFile};
use crate::adapters::Adapters;
use crate::{Defaults, Error, Memory, Parts, Pipeline, built_in, folder_texts};

/// Where a model's files are.
#[derive(Debug, Clone)]
pub enum ModelDir {
    /// A folder in the diffusers layout.
    Folder(PathBuf),
    /// Networks that a folder does not hold, or not as they are: those of a single file or a training checkpoint, or of a
    /// base with an adapter.
    Networks(Arc<Networks>),
    /// The small model that is compiled in.
    BuiltIn,
}

/// Networks, and the texts that a folder of them would have, by their places in it.
#[derive(Debug)]
pub struct Networks {
    checkpoint: Checkpoint,
    texts: BTreeMap<PathBuf, Vec<u8>>,
}

/// What to load of a model beside what it needs, and what to add to it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The safety checker, if the model has one.
    pub safety_checker: bool,
    /// LoRA files, which change the UNet, the text encoder or both; their changes add up.
    pub loras: Vec<LoraFile>,
    /// Words that captions and phrases may use.
    pub embeddings: Vec<EmbeddingFile>,
    /// Whether the autoencoder decodes tile by tile.
    pub vae_tiling: Tiling,
    /// How much memory it may take.
    pub memory: Memory,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            safety_checker: true,
            loras: Vec::new(),
            embeddings: Vec::new(),
            vae_tiling: Tiling::default(),
            memory: Memory::default(),
        }
    }
}

/// Folders that a model must have.
const PARTS: [&str; 5] = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"];

impl ModelDir {
    /// The model in the folder or the file `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let not_a_model = |reason: String| Error::NotAModel { path: path.into(), reason };
        if !path.exists() {
            return Err(not_a_model("no such file or folder".into()));
        }
        if !path.is_dir() {
            return Self::of(Checkpoint::open(path).map_err(unreadable)?);
        }
        // `model_index.json` is not asked: the class that published ones name is often wrong, and all that is
        // needed stands in the parts.
        let missing: Vec<_> = PARTS.into_iter().filter(|part| !path.join(part).is_dir()).collect();
        if !missing.is_empty() {
            return Err(not_a_model(format!("not a model folder: {} missing", missing.join(", "))));
        }
        Ok(Self::Folder(path.into()))
    }

    /// The same with the fusers and the position net of the adapter at `path` in its UNet. Nothing is copied.
    pub fn with_adapter(&self, path: &Path) -> Result<Self, Error> {
        let adapter = Checkpoint::open(path).map_err(unreadable)?;
        Self::of(self.checkpoint()?.with(&adapter).map_err(unreadable)?)
    }

    /// Its networks, of which only the headers are read.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        match self {
            Self::Folder(folder) => Checkpoint::open(folder),
            Self::Networks(networks) => Ok(networks.checkpoint.clone()),
            Self::BuiltIn => built_in::checkpoint(),
        }
        .map_err(unreadable)
    }

    fn of(checkpoint: Checkpoint) -> Result<Self, Error> {
        checkpoint.check().map_err(unreadable)?;
        let needed = [Part::UNet, Part::Vae, Part::TextEncoder];
        let missing: Vec<_> = needed.into_iter().filter(|part| checkpoint.part(*part).is_none()).collect();
        if checkpoint.layout() == Layout::Adapter || !missing.is_empty() {
            let needs = checkpoint.needs();
            let lacks: Vec<_> =
                needs.iter().map(|need| format!("{} (from {})", need.what, need.from)).collect();
            let reason = format!("not a whole model, it lacks {}", lacks.join(", "));
            return Err(Error::NotAModel { path: checkpoint.path().into(), reason });
        }
        let texts = folder_texts(&checkpoint)?.into_iter().collect();
        Ok(Self::Networks(Arc::new(Networks { checkpoint, texts })))
    }

    /// Where it is; `None` for the one that is compiled in.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Networks(networks) => Some(networks.checkpoint.path()),
            Self::BuiltIn => None,
        }
    }

    /// The text of the file `name` of `part`.
    pub fn text(&self, part: &str, name: &str) -> Result<String, Error> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(part).join(name);
                std::fs::read_to_string(&path).map_err(|source| Error::File { path, source })
            }
            Self::Networks(networks) => {
                let place = Path::new(part).join(name);
                let failed = |source| Error::File { path: networks.checkpoint.path().join(&place), source };
                let text = networks.texts.get(&place).ok_or(io::ErrorKind::NotFound);
                let text = text.map_err(|kind| failed(kind.into()))?;
                let text = std::str::from_utf8(text);
                text.map(str::to_owned).map_err(|error| failed(io::Error::other(error)))
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
            Self::Networks(networks) => {
                let weights = Part::ALL.into_iter().find(|known| known.folder() == part);
                let weights = weights.and_then(|part| networks.checkpoint.part(part)).cloned();
                weights.ok_or_else(|| WeightsError::LacksPart {
                    path: networks.checkpoint.path().into(),
                    expected: format!("the weights of the {}", part_name(part)),
                })
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
        let memory = options.memory;
        let adapters = Adapters::open(&options)?;
        let unet_weights = memory.prepare(adapters.merge(Part::UNet, self.weights("unet")?)?, device);
        let unet = UNet::from_parts(&self.text("unet", "config.json")?, &unet_weights, device)
            .map_err(|e| component("unet")(e.into()))?;
        let vae_weights = memory.prepare(self.weights("vae")?, device);
        let vae = AutoencoderKl::from_parts(&self.text("vae", "config.json")?, &vae_weights, device)
            .map_err(|e| component("vae")(e.into()))?
            .with_tiling(options.vae_tiling);
        let mut tokenizer = self.tokenizer().map_err(component("tokenizer"))?;
        let config = self.text("text_encoder", "config.json")?;
        let weights = adapters.merge(Part::TextEncoder, self.weights("text_encoder")?)?;
        let text_encoder = ClipTextConfig::parse(config.as_bytes())
            .and_then(|mut config| {
                let weights = add_words(&adapters.words, &mut config, weights, &mut tokenizer)?;
                let weights = memory.prepare(weights, device);
                let encoder = ClipTextEncoder::from_parts(config, &weights, tokenizer, device)?;
                Ok(memory.keep(encoder, [weights]))
            })
            .map_err(|e| component("text_encoder")(e.into()))?;
        let scheduler = SchedulerConfig::from_json(&self.text("scheduler", "scheduler_config.json")?)?;
        let defaults = match self {
            Self::Folder(_) | Self::Networks(_) => Defaults::default(),
            Self::BuiltIn => built_in::DEFAULTS,
        };
        let parts = Parts {
            text_encoder: Arc::new(text_encoder),
            image_encoder: if unet.takes_pictures() { self.image_encoder(memory, device)? } else { None },
            denoiser: Arc::new(memory.keep_denoiser(unet, unet_weights)),
            autoencoder: Arc::new(memory.keep(vae, [vae_weights])),
            safety_checker: if options.safety_checker { self.safety_checker(memory, device)? } else { None },
            scheduler,
            defaults,
        };
        Pipeline::new(parts, device)
    }

    /// A folder of the model, if it has one.
    fn optional(&self, part: &str) -> Option<PathBuf> {
        // Beside a file there is none, but in a folder that an adapter was put on.
        self.path().map(|path| path.join(part)).filter(|path| path.is_dir())
    }

    fn image_encoder(&self, memory: Memory, device: &Device) -> Result<Option<Arc<dyn ImageEncoder>>, Error> {
        let Some(image_encoder) = self.optional("image_encoder") else { return Ok(None) };
        let beside = |part| image_encoder.with_file_name(part);
        // What older models lack, the feature extractor of their safety checker says as well.
        let processor = self.optional("processor").unwrap_or_else(|| beside("feature_extractor"));
        let mut used = Vec::new();
        let prepare = |weights| {
            used.push(memory.prepare(weights, device));
            used[used.len() - 1].clone()
        };
        let project = beside("image_project");
        let encoder = ClipImageEncoder::load_with(&image_encoder, project, processor, prepare, device)
            .map_err(|e| Error::Component { part: "image encoder", source: e.into() })?;
        Ok(Some(Arc::new(memory.keep(encoder, used))))
    }

    fn safety_checker(
        &self,
        memory: Memory,
        device: &Device,
    ) -> Result<Option<Arc<dyn SafetyChecker>>, Error> {
        let Some(safety_checker) = self.optional("safety_checker") else { return Ok(None) };
        let extractor = safety_checker.with_file_name("feature_extractor");
        let mut used = None;
        let prepare = |weights| used.insert(memory.prepare(weights, device)).clone();
        let checker = ClipSafetyChecker::load_with(&safety_checker, extractor, prepare, device)
            .map_err(|e| Error::Component { part: "safety checker", source: e.into() })?;
        Ok(Some(Arc::new(memory.keep(checker, used))))
    }

    fn tokenizer(&self) -> Result<Tokenizer, BoxError> {
        match self {
            Self::Folder(folder) => Ok(Tokenizer::load(folder.join("tokenizer"))?),
            Self::Networks(networks) => {
                let text = |name| networks.texts.get(&Path::new("tokenizer").join(name)).map(Vec::as_slice);
                Ok(Tokenizer::from_files(&TokenizerFiles {
                    tokenizer_json: text("tokenizer.json"),
                    vocab: text("vocab.json"),
                    merges: text("merges.txt"),
                    tokenizer_config: text("tokenizer_config.json"),
                    special_tokens_map: text("special_tokens_map.json"),
                    added_tokens: text("added_tokens.json"),
                })?)
            }
            Self::BuiltIn => built_in::tokenizer(),
        }
    }
}

impl Pipeline {
    /// Loads a model folder in the diffusers layout, or a file with a whole model.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        ModelDir::open(path)?.load(LoadOptions::default(), device)
    }

    /// The small model that is compiled in: pictures of 128×128, 48 things on 12 plain backgrounds.
    pub fn built_in(device: &Device) -> Result<Self, Error> {
        ModelDir::BuiltIn.load(LoadOptions::default(), device)
    }
}

/// A checkpoint that cannot be opened.
fn unreadable(error: WeightsError) -> Error {
    Error::Component { part: "checkpoint", source: error.into() }
}

fn part_name(part: &str) -> &'static str {
    match part {
        "unet" => "UNet",
        "vae" => "autoencoder",
        "tokenizer" => "tokenizer",
        _ => "text encoder",
    }
}
