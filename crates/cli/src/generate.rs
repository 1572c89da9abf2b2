//! `gligen generate`

use std::io::{Read, stdin};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gligen_pipeline::{
    Compat, InpaintMode, LAYOUT_KEYWORD, Layout, LoadOptions, ModelDir, Output, PARAMETERS_KEYWORD, Plan,
    Progress, parameters, write_png,
};
use gligen_schedulers::SchedulerKind;
use serde::Serialize;

use crate::adapters::Adapters;
use crate::failure::Failure;
use crate::model_source::{Fetching, Model};
use crate::objects::{Corners, join, parse_box};
use crate::output_path::{Target, check_folder, with_suffix};
use crate::progress::{Reporter, Unit};
use crate::{computing, interrupt, known_things, latents_file, overlay, report};

const EXAMPLES: &str = "\
Examples:
  gligen generate --prompt \"a cat and a red apple on a light blue background\" \\
    --phrase \"a cat\" --box 0.05,0.3,0.5,0.9 --phrase \"a red apple\" --box 0.6,0.4,0.9,0.7
  gligen generate --layout room.json --seed 7 --num-images 4 --overlay
  gligen generate --layout gligen-0001.png        # draw a picture of ours again
";

/// Draw pictures from a caption, phrases and boxes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", known_things::help()))]
pub(crate) struct Args {
    /// A model folder in the diffusers layout, a file with a whole Stable Diffusion 1.x model, or a model on the hub as
    /// `OWNER/NAME[@REVISION]` [default: the built-in small model]
    #[arg(long, value_name = "PATH_OR_ID", env = "GLIGEN_MODEL", hide_env_values = true)]
    model: Option<PathBuf>,
    /// An adapter whose fusers and position net are put into the model's UNet, so that it places objects
    #[arg(long, value_name = "ADAPTER")]
    gligen: Option<PathBuf>,
    #[command(flatten)]
    adapters: Adapters,
    /// A layout file, or a picture of ours to draw again; `-` reads standard input. Flags win over it
    #[arg(long, value_name = "FILE")]
    layout: Option<PathBuf>,
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
    latents: Option<PathBuf>,
    /// Whose random numbers and habits to follow: with `diffusers` a seed gives the same picture as there
    #[arg(long, value_name = "WHOSE", help_heading = "Drawing")]
    compat: Option<CompatWith>,

    /// A PNG file, `-` for standard output; several pictures get -0, -1, … before the suffix [default: the next free
    /// gligen-NNNN.png]
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Also write …-boxes.png with boxes and phrases drawn
    #[arg(long, help_heading = "Output")]
    overlay: bool,
    /// Also write the latents before decoding into a safetensors file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    save_latents: Option<PathBuf>,
    /// Leave out of the PNG how it was made
    #[arg(long, help_heading = "Output")]
    no_metadata: bool,
    /// A line of JSON a picture instead of its path
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No progress
    #[arg(long, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// More progress
    #[arg(long, help_heading = "Output")]
    verbose: bool,

    /// Do not look at finished pictures with the model's safety checker, and do not load it
    #[arg(long, help_heading = "Output")]
    no_safety_checker: bool,

    /// Where to compute; `gligen devices` lists what there is
    #[arg(
        long,
        value_name = "NAME",
        env = "GLIGEN_DEVICE",
        hide_env_values = true,
        help_heading = "Computing"
    )]
    device: Option<String>,
    /// Numbers to compute with
    #[arg(long, value_name = "NAME", default_value = "f32", help_heading = "Computing")]
    dtype: DType,
    /// CPU threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = "Computing")]
    threads: Option<u64>,
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

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    args.refuse_what_is_not_there_yet()?;
    let target = Target::new(args.output.clone())?;
    if let Some(path) = &args.save_latents {
        check_folder(path)?;
    }
    if matches!(target, Target::Stdout) && (args.overlay || args.json) {
        return Err(Failure::arguments(
            "--output - leaves no room on standard output for --overlay and --json",
            "name a file with --output",
        ));
    }
    let layout = args.layout()?;
    interrupt::listen()?;
    let reporter = Reporter::new(Unit::Steps, args.quiet, args.verbose);
    draw(&args, layout, &target, reporter)
}

/// Loads the model, draws, writes, and tells what was written.
fn draw(args: &Args, layout: Layout, target: &Target, mut reporter: Reporter) -> Result<(), Failure> {
    let (is_seed_random, keep) = (layout.seed.is_none(), layout.index);
    // Before the model is loaded, which may take a while: a picture that cannot be read is told at once.
    let mut request = layout.clone().into_request(Path::new("")).map_err(Failure::Picture)?;

    let device_name = computing::device_name(args.device.as_deref());
    let device = computing::device(args.device.as_deref(), args.threads)?;

    let started = Instant::now();
    let mut model = Model::find(args.model.as_deref(), &mut Fetching::new(args.quiet, args.verbose))?;
    if let Some(adapter) = &args.gligen {
        model.files = model.files.with_adapter(adapter)?;
    }
    let mut options = LoadOptions::default();
    options.safety_checker = !args.no_safety_checker;
    options.loras.clone_from(&args.adapters.lora);
    options.embeddings.clone_from(&args.adapters.embedding);
    let pipeline = model.files.load(options, &device)?;
    reporter.detail(format_args!("loaded {} in {:.2} s", model.name, started.elapsed().as_secs_f64()));

    request.latents = args.latents.as_deref().map(|path| latents_file::read(path, &device)).transpose()?;
    let plan = pipeline.plan(&request)?;
    let kept: Vec<usize> = match keep {
        None => (0..plan.pictures()).collect(),
        Some(index) if index < plan.pictures() => vec![index],
        Some(index) => {
            let message = format!("`index`: picture {index} of a batch of {}", plan.pictures());
            return Err(Failure::arguments(message, "the first picture has the index 0"));
        }
    };
    if is_seed_random {
        reporter.note(format_args!("seed {}", request.seed));
    }
    if matches!(model.files, ModelDir::BuiltIn) {
        let phrases = request.objects.iter().flatten().filter_map(|object| object.phrase.as_deref());
        for warning in known_things::unknown(&request.prompts, phrases) {
            reporter.warning(warning);
        }
    }
    tell_plan(&reporter, &plan, device_name);
    interrupt::check()?;

    reporter.start();
    let started = Instant::now();
    let output = pipeline.run(&plan, |progress| {
        match progress {
            Progress::Warning(warning) => reporter.warning(warning),
            Progress::Step { step, of, .. } => reporter.step(step as u64, of as u64),
            _ => {}
        }
        if interrupt::wanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let seconds = started.elapsed().as_secs_f64();
    interrupt::check()?;
    for &index in kept.iter().filter(|&&index| output.withheld[index]) {
        reporter
            .warning(format_args!("picture {index} was withheld by the model's safety checker: it is black"));
    }
    let drawn = Drawn { layout, plan: &plan, output: &output, kept: &kept, model: &model.name, seconds };
    write(args, &drawn, target)
}

/// A run that is done.
struct Drawn<'a> {
    /// What was asked for, with paths from where the program runs.
    layout: Layout,
    plan: &'a Plan,
    output: &'a Output,
    /// The pictures to write, of all that were drawn.
    kept: &'a [usize],
    /// What pictures call the model.
    model: &'a str,
    seconds: f64,
}

/// A picture, as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay: Option<&'a Path>,
    seed: u64,
    prompt: &'a str,
    width: usize,
    height: usize,
    /// That the whole run took, from the plan to the last picture.
    seconds: f64,
}

fn write(args: &Args, drawn: &Drawn, target: &Target) -> Result<(), Failure> {
    let Drawn { plan, output, kept, .. } = drawn;
    if let Some(path) = &args.save_latents {
        latents_file::write(path, output.latents.clone())?;
    }
    let folder = args.output.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let paths = target.write_all(kept.len(), |number, writer| {
        let index = kept[number];
        let texts = if args.no_metadata { Vec::new() } else { texts(drawn, index, folder) };
        write_png(writer, &output.images[index], &texts)
    })?;
    for (path, &index) in paths.iter().zip(*kept) {
        let boxes = args.overlay.then(|| with_suffix(path, "boxes"));
        if let Some(boxes) = &boxes {
            let picture = overlay::draw(&output.images[index], plan.objects(index / plan.num_images));
            Target::Named(boxes.clone()).write_all(1, |_, writer| write_png(writer, &picture, &[]))?;
        }
        if args.json {
            report::json_result(&Line {
                path,
                overlay: boxes.as_deref(),
                seed: output.seeds[index],
                prompt: &plan.request.prompts[index / plan.num_images],
                width: plan.width,
                height: plan.height,
                seconds: (drawn.seconds * 1e3).round() / 1e3,
            })?;
        } else {
            for path in [Some(path), boxes.as_ref()].into_iter().flatten() {
                report::result(path.display())?;
            }
        }
    }
    Ok(())
}

/// What picture `index`, which is written into `folder`, says about how it was made.
fn texts(drawn: &Drawn, index: usize, folder: &Path) -> Vec<(&'static str, String)> {
    let mut layout = drawn.layout.of_picture(drawn.plan, index);
    for path in layout.pictures_mut() {
        *path = seen_from(folder, path);
    }
    vec![(LAYOUT_KEYWORD, layout.to_json()), (PARAMETERS_KEYWORD, parameters(&layout, drawn.model))]
}

fn tell_plan(reporter: &Reporter, plan: &Plan, device: &str) {
    let scheduler = plan.request.scheduler.map_or("?", |kind| kind.name());
    reporter.detail(format_args!(
        "pictures: {}, {}×{}; steps: {} of {scheduler}; guidance: {}; scheduled sampling: {}; device: {device}",
        plan.pictures(),
        plan.width,
        plan.height,
        plan.steps,
        plan.guidance_scale,
        plan.scheduled_sampling_beta,
    ));
}

/// `path` as a file in `folder` names it: relative if it lies there, so that both can be moved, and whole otherwise.
fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let path = whole(path);
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    path.strip_prefix(whole(folder)).map(PathBuf::from).unwrap_or(path)
}

impl Args {
    /// The layout that the file and the flags make together: flags win.
    fn layout(&self) -> Result<Layout, Failure> {
        let mut layout = match &self.layout {
            None => Layout::default(),
            Some(path) if path == Path::new("-") => {
                let mut bytes = Vec::new();
                stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .map_err(|source| Failure::System { what: "standard input", source })?;
                Layout::from_bytes(&bytes).map_err(|source| Failure::layout("standard input", source))?
            }
            Some(path) => {
                let mut layout = Layout::read(path)
                    .map_err(|source| Failure::layout(path.display().to_string(), source))?;
                // Pictures lie beside the file that names them.
                let folder = path.parent().unwrap_or(Path::new(""));
                layout.pictures_mut().for_each(|picture| *picture = folder.join(&*picture));
                layout
            }
        };
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

    /// Names what later versions will have, instead of doing something else.
    fn refuse_what_is_not_there_yet(&self) -> Result<(), Failure> {
        if self.dtype != DType::F32 {
            let name = if self.dtype == DType::F16 { "f16" } else { "bf16" };
            return Err(Failure::arguments(
                format!("--dtype {name}: not yet supported: it arrives with support for GPUs"),
                "leave it out: this version computes in f32",
            ));
        }
        Ok(())
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
