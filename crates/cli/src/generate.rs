//! `gligen generate`

mod args;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gligen_pipeline::{
    LAYOUT_KEYWORD, Layout, ModelDir, Output, PARAMETERS_KEYWORD, Plan, Progress, parameters, write_png,
};
use serde::Serialize;

pub(crate) use self::args::Args;
use crate::failure::Failure;
use crate::model_source::Fetching;
use crate::output_path::{Target, check_folder, with_suffix};
use crate::progress::{Reporter, Unit};
use crate::{interrupt, known_things, latents_file, overlay, report};

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
    args.previews.check()?;
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

    let device = args.computing.device()?;
    let started = Instant::now();
    let mut options = args.computing.options();
    options.loras.clone_from(&layout.loras);
    options.embeddings.clone_from(&layout.embeddings);
    let mut fetching = Fetching::new(args.quiet, args.verbose);
    let (model, pipeline) = args.model.load(options, &mut fetching, &device)?;
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
    tell_plan(&reporter, &plan, args.computing.device_name());
    interrupt::check()?;

    let previews = args.previews.of(&pipeline)?;
    let mut looked = Ok(());
    reporter.start();
    let started = Instant::now();
    let output = pipeline.run(&plan, |progress| {
        match progress {
            Progress::Warning(warning) => reporter.warning(warning),
            Progress::Step { step, of, latents } => {
                reporter.step(step as u64, of as u64);
                looked = previews.look(step, latents, &plan);
            }
            _ => {}
        }
        if interrupt::wanted() || looked.is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    looked?;
    let output = output?;
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
    layout.pictures_mut().for_each(|path| *path = seen_from(folder, path));
    layout.adapters_mut().for_each(|path| *path = seen_from(folder, path));
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
