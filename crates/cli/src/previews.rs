//! `--preview`: a look at the unfinished picture while it is drawn.

use std::path::PathBuf;

use burn::Tensor;
use gligen_pipeline::{LatentPreview, Pipeline, Plan, write_png};
use image::RgbImage;
use image::imageops::{FilterType, resize};

use crate::failure::Failure;
use crate::output_path::{Target, check_file};

/// The flags for it.
#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArgs {
    /// Write a look at the first unfinished picture: `linear` a coarse one that costs next to nothing, `vae` a decoded one
    #[arg(long, value_name = "HOW", default_value = "none", help_heading = "Output")]
    preview: How,
    /// Evaluations from one look to the next
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    preview_interval: u64,
    /// Where the look is written, each over the one before
    #[arg(long, value_name = "FILE", default_value = "preview.png", help_heading = "Output")]
    preview_path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum How {
    None,
    Linear,
    Vae,
}

/// The looks at what a pipeline draws.
pub(crate) struct Previews<'a> {
    args: &'a PreviewArgs,
    pipeline: Pipeline,
    linear: Option<LatentPreview>,
}

impl PreviewArgs {
    /// Finds out before the work what would be in the way of writing.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.preview == How::None { Ok(()) } else { check_file(&self.preview_path) }
    }

    /// Gets ready to look at what `pipeline` draws.
    pub(crate) fn of(&self, pipeline: &Pipeline) -> Result<Previews<'_>, Failure> {
        let linear = (self.preview == How::Linear).then(|| LatentPreview::fit(pipeline)).transpose()?;
        Ok(Previews { args: self, pipeline: pipeline.clone(), linear })
    }
}

impl Previews<'_> {
    /// Writes a look at `latents` of `plan` after evaluation `step`, if there shall be one.
    pub(crate) fn look(&self, step: usize, latents: &Tensor<4>, plan: &Plan) -> Result<(), Failure> {
        if self.args.preview == How::None || !(step as u64).is_multiple_of(self.args.preview_interval) {
            return Ok(());
        }
        let first = latents.clone().narrow(0, 0, 1);
        let pictures = match &self.linear {
            Some(linear) => linear.pictures(&first),
            None => self.pipeline.decode(&first)?,
        };
        let Some(picture) = pictures.first() else { return Ok(()) };
        let picture: RgbImage = resize(picture, plan.width as u32, plan.height as u32, FilterType::Triangle);
        let target = Target::Named(self.args.preview_path.clone());
        target.write_all(1, |_, writer| write_png(writer, &picture, &[]))?;
        Ok(())
    }
}
