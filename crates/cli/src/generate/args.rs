//! The flags of `gligen generate`, and what they change in a layout.

use std::path::{Path, PathBuf};

use gligen_pipeline::{Compat, InpaintMode, Layout};
use gligen_schedulers::SchedulerKind;

use crate::computing::ComputingArgs;
use crate::failure::Failure;
use crate::known_things;
use crate::model_source::ModelArgs;
use crate::objects::{Corners, join, parse_box};
use crate::previews::PreviewArgs;

const EXAMPLES: &str = "\
Examples:
  gligen generate --prompt \"a cat and a red apple on a light blue background\" \\
    --phrase \"a cat\" --box 0.05,0.3,0.5,0.9 --phrase \"a red apple\" --box 0.6,0.4,0.9,0.7
  gligen generate --layout room.json --seed 7 --num-images 4 --overlay
  gligen generate --layout gligen-0001.png        # draw a picture of ours again
  gligen generate --layout rooms.jsonl            # one a line; goes on where it stopped
";

/// Draw pictures from a caption, phrases and boxes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", known_things::help()))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    /// A layout file, or a picture of ours to draw again; `-` reads standard input. Flags win over it. A file that ends
    /// in .jsonl has a layout on each line: those whose pictures are there already are skipped
    #[arg(long, value_name = "FILE")]
    pub(super) layout: Option<PathBuf>,
    /// The caption; repeat it for a batch
    #[arg(long, value_name = "TEXT", required_unless_present = "layout")]
    prompt: Vec<String>,
    /// What to keep out: one for all captions, or as many as captions
    #[arg(long, value_name = "TEXT")]
    negative_prompt: Vec<String>,
    /// What an object is; the n-th phrase, picture and box belong together, `-` for an object without a phrase
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    phrase: Vec<String>,
    /// Where it stands: fractions of width and height from the top left
    #[arg(long = "box", value_name = "X0,Y0,X1,Y1", value_parser = parse_box, allow_hyphen_values = true)]
    boxes: Vec<Corners>,
    /// A picture that it looks like, for models that take pictures; `-` for an object without one
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    image: Vec<PathBuf>,

    /// A picture to repaint: in the boxes, or where a mask says
    #[arg(long, value_name = "FILE", help_heading = "Repainting")]
    inpaint_image: Option<PathBuf>,
    /// A picture of the same size, white where to repaint [default: the boxes]
    #[arg(long, value_name = "FILE", help_heading = "Repainting")]
    inpaint_mask: Option<PathBuf>,
    /// How the network learns what is known: `model` shows it to an inpainting model, `blend` puts it back at every
    /// step, with any other [default: model]
    #[arg(long, value_name = "MODE", value_parser = parse_inpaint_mode, help_heading = "Repainting")]
    inpaint_mode: Option<InpaintMode>,
    /// Leave what is kept as the autoencoder gives it, instead of putting the picture's own pixels back
    #[arg(long, help_heading = "Repainting")]
    no_inpaint_restore: bool,

    /// Inference steps [default: 50; built-in model: 30]
    #[arg(long, value_name = "N", help_heading = "Drawing")]
    steps: Option<usize>,
    /// How much the caption counts [default: 7.5; built-in model: 4]
    #[arg(long, value_name = "X", help_heading = "Drawing")]
    guidance_scale: Option<f64>,
    /// Share of the steps, from the start, in which objects count [default: 0.3; built-in model: 1]
    #[arg(long, value_name = "X", help_heading = "Drawing")]
    scheduled_sampling_beta: Option<f64>,
    /// Share of fresh noise in a step of `ddim` [default: 0]
    #[arg(long, value_name = "X", help_heading = "Drawing")]
    eta: Option<f64>,
    /// Last layers of the text encoder to leave out [default: 0]
    #[arg(long, value_name = "N", help_heading = "Drawing")]
    clip_skip: Option<usize>,
    /// The sampler; `gligen schedulers` lists them [default: the model's own]
    #[arg(long, value_name = "NAME", help_heading = "Drawing")]
    scheduler: Option<SchedulerKind>,
    /// Height in pixels, a multiple of 8 [default: the model's own]
    #[arg(long, value_name = "N", help_heading = "Drawing")]
    height: Option<usize>,
    /// Width in pixels, a multiple of 8 [default: the model's own]
    #[arg(long, value_name = "N", help_heading = "Drawing")]
    width: Option<usize>,
    /// Start of the random numbers; image k has seed + k [default: -1, a random one, which is printed]
    #[arg(long, value_name = "N", value_parser = parse_seed, allow_hyphen_values = true, help_heading = "Drawing")]
    seed: Option<Seed>,
    /// Pictures of each caption [default: 1]
    #[arg(long, value_name = "N", help_heading = "Drawing")]
    num_images: Option<usize>,
    /// A safetensors file with the noise to start from: `latents`, [images, 4, height / 8, width / 8], f32
    #[arg(long, value_name = "FILE", help_heading = "Drawing")]
    pub(super) latents: Option<PathBuf>,
    /// Whose random numbers and habits to follow: with `diffusers` a seed gives the same picture as there
    #[arg(long, value_name = "WHOSE", help_heading = "Drawing")]
    compat: Option<CompatWith>,

    /// A PNG file, `-` for standard output; several pictures get -0, -1, … before the suffix, those of line 3 of a file
    /// -0003 [default: the next free gligen-NNNN.png; for lines the name of their file]
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    /// Draw a line although something else is there under the names of its pictures, which is refused otherwise
    #[arg(long, help_heading = "Output")]
    pub(super) overwrite: bool,
    /// Also write …-boxes.png with boxes and phrases drawn
    #[arg(long, help_heading = "Output")]
    pub(super) overlay: bool,
    /// Also write all pictures of the run, in rows, into one PNG file of at most 4096×4096 pixels
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) sheet: Option<PathBuf>,
    /// Also write the latents before decoding into a safetensors file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) save_latents: Option<PathBuf>,
    #[command(flatten)]
    pub(super) previews: PreviewArgs,
    /// Leave out of the PNG how it was made
    #[arg(long, help_heading = "Output")]
    pub(super) no_metadata: bool,
    /// A line of JSON a picture instead of its path
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
    /// No progress
    #[arg(long, conflicts_with = "verbose", help_heading = "Output")]
    pub(super) quiet: bool,
    /// More progress
    #[arg(long, help_heading = "Output")]
    pub(super) verbose: bool,

    #[command(flatten)]
    pub(super) computing: ComputingArgs,
    /// Numbers to compute with
    #[arg(long, value_name = "NAME", default_value = "f32", help_heading = "Computing")]
    dtype: DType,
}

/// A seed, or none for a random one.
#[derive(Debug, Clone, Copy)]
struct Seed(Option<u64>);

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CompatWith {
    None,
    Diffusers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DType {
    F32,
    F16,
    Bf16,
}

impl Args {
    /// `layout` with what the flags say in its place: flags win.
    pub(super) fn over(&self, mut layout: Layout) -> Result<Layout, Failure> {
        if !self.prompt.is_empty() || self.num_images.is_some() {
            layout.index = None; // another batch than the one that the index counts in
        }
        if !self.prompt.is_empty() {
            layout.prompt.clone_from(&self.prompt);
        }
        if !self.negative_prompt.is_empty() {
            layout.negative_prompt.clone_from(&self.negative_prompt);
        }
        if !self.phrase.is_empty() || !self.image.is_empty() || !self.boxes.is_empty() {
            layout.objects = vec![join(&self.phrase, &self.image, &self.boxes)?];
        }
        if !self.model.adapters.lora.is_empty() {
            layout.loras.clone_from(&self.model.adapters.lora);
        }
        if !self.model.adapters.embedding.is_empty() {
            layout.embeddings.clone_from(&self.model.adapters.embedding);
        }
        if self.inpaint_image.is_some() {
            // Another picture: the layout's mask does not lie on it.
            (layout.inpaint_image, layout.inpaint_mask) = (self.inpaint_image.clone(), None);
        }
        layout.inpaint_mask = self.inpaint_mask.clone().or(layout.inpaint_mask);
        layout.inpaint_mode = self.inpaint_mode.or(layout.inpaint_mode);
        if self.no_inpaint_restore {
            layout.inpaint_restore = Some(false);
        }
        layout.steps = self.steps.or(layout.steps);
        layout.guidance_scale = self.guidance_scale.or(layout.guidance_scale);
        layout.scheduled_sampling_beta = self.scheduled_sampling_beta.or(layout.scheduled_sampling_beta);
        layout.eta = self.eta.or(layout.eta);
        layout.clip_skip = self.clip_skip.or(layout.clip_skip);
        layout.scheduler = self.scheduler.or(layout.scheduler);
        layout.height = self.height.or(layout.height);
        layout.width = self.width.or(layout.width);
        layout.seed = self.seed.map_or(layout.seed, |Seed(seed)| seed);
        layout.num_images = self.num_images.or(layout.num_images);
        layout.compat = match self.compat {
            None => layout.compat,
            Some(CompatWith::None) => Compat::None,
            Some(CompatWith::Diffusers) => Compat::Diffusers,
        };
        Ok(layout)
    }

    /// Refuses flags that do not go together, and those that later versions will have.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.dtype != DType::F32 {
            let name = if self.dtype == DType::F16 { "f16" } else { "bf16" };
            return Err(Failure::arguments(
                format!("--dtype {name}: not yet supported: it arrives with support for GPUs"),
                "leave it out: this version computes in f32",
            ));
        }
        let is_stdout = self.output.as_deref() == Some(Path::new("-"));
        if is_stdout && (self.overlay || self.json || self.sheet.is_some()) {
            return Err(Failure::arguments(
                "--output - leaves no room on standard output for --overlay, --sheet and --json",
                "name a file with --output",
            ));
        }
        if self.sheet.is_some() && self.sheet == self.output {
            return Err(Failure::arguments(
                "--sheet and --output name the same file",
                "give the sheet another name",
            ));
        }
        let of_one = [
            ("--latents", self.latents.is_some()),
            ("--save-latents", self.save_latents.is_some()),
            ("--output -", is_stdout),
        ];
        match of_one.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) if self.is_lines() => Err(Failure::arguments(
                format!("{name}: only for a single layout, not for one on each line of a file"),
                "leave it out, or give the layout in a file of its own",
            )),
            _ => Ok(()),
        }
    }
}

fn parse_inpaint_mode(text: &str) -> Result<InpaintMode, String> {
    let known = InpaintMode::ALL.into_iter().find(|mode| mode.name() == text);
    known.ok_or_else(|| "expected `model` or `blend`".into())
}

fn parse_seed(text: &str) -> Result<Seed, String> {
    match text {
        "-1" => Ok(Seed(None)),
        _ => text
            .parse()
            .map(|seed| Seed(Some(seed)))
            .map_err(|_| format!("expected a whole number from 0 to {}, or -1 for a random one", u64::MAX)),
    }
}
