//! Where a model comes from: it is built in, a folder, or on a hub.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use gligen_hub::{Hub, ModelId, Progress};
use gligen_pipeline::{LoadOptions, ModelDir, Pipeline};

use crate::adapters::Adapters;
use crate::failure::Failure;
use crate::progress::{Reporter, Unit};
use crate::{amounts, interrupt};

/// What users call the built-in model.
const BUILT_IN: &str = "tiny-gligen";

/// The flags that say which model draws, and what changes it while it is loaded.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelArgs {
    /// A model folder in the diffusers layout, a file with a whole Stable Diffusion 1.x model, or a model on the hub as
    /// `OWNER/NAME[@REVISION]` [default: the built-in small model]
    #[arg(long, value_name = "PATH_OR_ID", env = "GLIGEN_MODEL", hide_env_values = true)]
    model: Option<PathBuf>,
    /// An adapter whose fusers and position net are put into the model's UNet, so that it places objects
    #[arg(long, value_name = "ADAPTER")]
    gligen: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) adapters: Adapters,
    /// Do not look at finished pictures with the model's safety checker, and do not load it
    #[arg(long)]
    no_safety_checker: bool,
}

impl ModelArgs {
    /// The model, fetched if it has to be.
    pub(crate) fn find(&self, fetching: &mut Fetching) -> Result<Model, Failure> {
        let mut model = Model::find(self.model.as_deref(), fetching)?;
        if let Some(adapter) = &self.gligen {
            model.files = model.files.with_adapter(adapter)?;
        }
        Ok(model)
    }

    /// `model`, loaded onto `device` as `options` say.
    pub(crate) fn load(
        &self,
        model: &Model,
        mut options: LoadOptions,
        device: &Device,
    ) -> Result<Pipeline, Failure> {
        options.safety_checker = !self.no_safety_checker;
        Ok(model.files.load(options, device)?)
    }
}

/// A model, and what pictures call it.
pub(crate) struct Model {
    pub(crate) files: ModelDir,
    pub(crate) name: String,
}

impl Model {
    /// The model that is called `model`, fetched if it has to be; the built-in one if it is called nothing.
    fn find(model: Option<&Path>, fetching: &mut Fetching) -> Result<Self, Failure> {
        let Some(model) = model else {
            return Ok(Self { files: ModelDir::BuiltIn, name: BUILT_IN.into() });
        };
        let path = find(model, fetching)?;
        let name = match id(model) {
            Some(id) => id.to_string(),
            None => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
            }
        };
        Ok(Self { files: ModelDir::open(&path)?, name })
    }
}

/// Where the model is that is called `model`: the path that it names, or where the cache has what a hub calls so.
pub(crate) fn find(model: &Path, fetching: &mut Fetching) -> Result<PathBuf, Failure> {
    let Some(id) = id(model) else { return Ok(model.into()) };
    let found = Hub::from_env().and_then(|hub| hub.model(&id, &mut |progress| fetching.tell(&progress)));
    found.map_err(|error| match Failure::from(error) {
        Failure::Hub(source) => Failure::NotFetched { source },
        failure => failure,
    })
}

/// The name on a hub that `model` is: one, and of nothing here.
fn id(model: &Path) -> Option<ModelId> {
    if model.exists() { None } else { model.to_str()?.parse().ok() }
}

/// Tells how fetching goes.
pub(crate) struct Fetching {
    reporter: Reporter,
    bytes: u64,
}

impl Fetching {
    /// Tells nothing if `quiet`, more if `verbose`.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let off = std::env::var_os("HF_HUB_DISABLE_PROGRESS_BARS");
        let off = off.is_some_and(|value| !value.is_empty() && value != "0");
        Self { reporter: Reporter::new(Unit::Bytes, quiet || off, verbose), bytes: 0 }
    }

    /// Tells of `progress`; stops if the user wants to.
    pub(crate) fn tell(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        match progress {
            Progress::Start { files, bytes } if *files > 0 => {
                self.bytes = *bytes;
                let plural = if *files == 1 { "" } else { "s" };
                self.reporter.note(format_args!("fetching {files} file{plural}, {}", amounts::bytes(*bytes)));
                self.reporter.start();
            }
            Progress::Bytes { done, .. } => self.reporter.step(*done, self.bytes.max(*done)),
            Progress::File { file } => self.reporter.detail(file),
            Progress::Retry { error, after } => {
                self.reporter.note(format_args!("{error}; again in {:.0} s", after.as_secs_f64()));
            }
            _ => {}
        }
        if interrupt::wanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
