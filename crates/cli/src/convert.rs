//! `gligen convert`

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use gligen_pipeline::folder_texts;
use gligen_weights::{Checkpoint, Conversion, Converted, Dtype, WeightsError};
use serde::Serialize;

use crate::failure::Failure;
use crate::model_source::{Fetching, find};
use crate::output_path::check_folder;
use crate::progress::{Reporter, Unit};
use crate::{amounts, interrupt, report};

/// Turn a checkpoint of any layout into another one
///
/// What is written is read back and compared before it gets its name, so that nothing half-done ever has it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gligen convert gligen.pth gligen --to diffusers --dtype f16
  gligen convert gligen gligen-adapter.safetensors --to adapter
  gligen convert masterful/gligen-1-4-generation-text-box@refs/pr/2 gligen --to diffusers --dtype f16
  gligen convert dreamshaper.safetensors dreamshaper-gligen.safetensors --to single-file --gligen gligen-adapter.safetensors")]
pub(crate) struct Args {
    /// A model folder, a file (safetensors, or pickled by torch), the index of several, or a model on the hub as
    /// `OWNER/NAME[@REVISION]`
    input: PathBuf,
    /// The folder or file to make
    output: PathBuf,
    /// The layout to make
    #[arg(long, value_enum)]
    to: Target,
    /// The type of all numbers [default: as they are]
    #[arg(long, value_enum)]
    dtype: Option<Precision>,
    /// Split networks into files of at most this size, as 2GB [default: one file each]
    #[arg(long, value_name = "SIZE", value_parser = amounts::parse_bytes)]
    shard_size: Option<u64>,
    /// Put the fusers and the position net of this adapter into the UNet
    #[arg(long, value_name = "ADAPTER")]
    gligen: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// Layouts that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// A folder with one for each network, with configs and tokenizer
    Diffusers,
    /// A file with fusers and position net alone, as ComfyUI reads it
    Adapter,
    /// A file with UNet, autoencoder and text encoder, as most tools read it
    SingleFile,
}

/// Types that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Precision {
    F16,
    Bf16,
    F32,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Told {
    output: PathBuf,
    files: Vec<File>,
    left_out: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize)]
struct File {
    path: PathBuf,
    tensors: usize,
    parameters: usize,
    bytes: u64,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    if args.shard_size.is_some() && args.to != Target::Diffusers {
        return Err(Failure::arguments(
            "--shard-size: an adapter and a single file are one file each",
            "leave it out, or convert --to diffusers",
        ));
    }
    check_folder(&args.output)?;
    interrupt::listen()?;
    let input = find(&args.input, &mut Fetching::new(args.quiet, false))?;
    let started = Instant::now();
    let mut reporter = Reporter::new(Unit::Bytes, args.quiet, false);
    let mut checkpoint = Checkpoint::open(&input)?;
    if let Some(adapter) = &args.gligen {
        checkpoint = checkpoint.with(&Checkpoint::open(adapter)?)?;
    }
    let mut conversion = match args.to {
        Target::Diffusers => Conversion::to_diffusers(&checkpoint)?.with_texts(folder_texts(&checkpoint)?),
        Target::Adapter => Conversion::to_adapter(&checkpoint)?,
        Target::SingleFile => Conversion::to_single_file(&checkpoint)?,
    };
    if let Some(precision) = args.dtype {
        conversion = conversion.with_dtype(precision.into());
    }
    if let Some(size) = args.shard_size {
        conversion = conversion.with_shard_size(size);
    }
    reporter.start();
    let converted = conversion.run(&args.output, |progress| {
        reporter.step(progress.done, progress.of);
        if interrupt::wanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let converted = converted.map_err(|error| match error {
        WeightsError::Interrupted => Failure::Interrupted,
        error => error.into(),
    })?;
    reporter.note(format_args!("written and read back in {:.1} s", started.elapsed().as_secs_f64()));
    tell(&args, &checkpoint, converted)
}

fn tell(args: &Args, checkpoint: &Checkpoint, converted: Converted) -> Result<(), Failure> {
    let mut left_out = BTreeMap::new();
    for tensor in checkpoint.left_out() {
        *left_out.entry(tensor.reason).or_default() += 1;
    }
    let files = converted.files.into_iter().map(|file| File {
        path: file.path,
        tensors: file.tensors,
        parameters: file.parameters,
        bytes: file.bytes,
    });
    let told = Told { output: args.output.clone(), files: files.collect(), left_out };
    if args.json {
        return report::json_result(&told);
    }
    for File { path, tensors, parameters, bytes } in &told.files {
        report::result(format_args!(
            "{}: {} parameters in {tensors} tensors, {}",
            path.display(),
            amounts::in_words(*parameters),
            amounts::bytes(*bytes)
        ))?;
    }
    for (reason, count) in &told.left_out {
        report::result(format_args!("left out: {count} tensors: {reason}"))?;
    }
    Ok(())
}

impl From<Precision> for Dtype {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F16 => Self::F16,
            Precision::Bf16 => Self::BF16,
            Precision::F32 => Self::F32,
        }
    }
}
