//! The model, loaded as the layout at hand needs it.

use std::time::Instant;

use burn::tensor::Device;
use gligen_pipeline::{EmbeddingFile, Layout, LoraFile, Pipeline};

use super::Args;
use crate::failure::Failure;
use crate::model_source::{Fetching, Model};
use crate::previews::Previews;
use crate::progress::Reporter;

/// A model, and the last pipeline that was made of it: LoRA files and textual inversions change a model while it is
/// loaded, so that a layout with others needs another pipeline.
pub(super) struct Loaded<'a> {
    args: &'a Args,
    pub(super) model: Model,
    pub(super) device: Device,
    ready: Option<Ready<'a>>,
}

/// What draws.
pub(super) struct Ready<'a> {
    pub(super) pipeline: Pipeline,
    pub(super) previews: Previews<'a>,
    loras: Vec<LoraFile>,
    embeddings: Vec<EmbeddingFile>,
}

impl<'a> Loaded<'a> {
    /// Finds the model, and fetches it if it has to be; nothing is loaded yet.
    pub(super) fn find(args: &'a Args) -> Result<Self, Failure> {
        let device = args.computing.device()?;
        let model = args.model.find(&mut Fetching::new(args.quiet, args.verbose))?;
        Ok(Self { args, model, device, ready: None })
    }

    /// What draws `layout`.
    pub(super) fn for_drawing(
        &mut self,
        layout: &Layout,
        reporter: &Reporter,
    ) -> Result<&Ready<'a>, Failure> {
        let fits = |ready: &Ready| ready.loras == layout.loras && ready.embeddings == layout.embeddings;
        // The one before goes first: there may be no memory for two.
        let ready = self.ready.take().filter(fits);
        let ready = ready.map_or_else(|| self.load(layout, reporter), Ok)?;
        Ok(self.ready.insert(ready))
    }

    /// What plans `layout`, which is the same whatever LoRA files and textual inversions were loaded.
    pub(super) fn for_planning(
        &mut self,
        layout: &Layout,
        reporter: &Reporter,
    ) -> Result<&Pipeline, Failure> {
        let ready = self.ready.take();
        let ready = ready.map_or_else(|| self.load(layout, reporter), Ok)?;
        Ok(&self.ready.insert(ready).pipeline)
    }

    fn load(&self, layout: &Layout, reporter: &Reporter) -> Result<Ready<'a>, Failure> {
        let started = Instant::now();
        let mut options = self.args.computing.options();
        options.loras.clone_from(&layout.loras);
        options.embeddings.clone_from(&layout.embeddings);
        let pipeline = self.args.model.load(&self.model, options, &self.device)?;
        let seconds = started.elapsed().as_secs_f64();
        reporter.detail(format_args!("loaded {} in {seconds:.2} s", self.model.name));
        let previews = self.args.previews.of(&pipeline)?;
        Ok(Ready { pipeline, previews, loras: layout.loras.clone(), embeddings: layout.embeddings.clone() })
    }
}
