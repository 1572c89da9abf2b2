//! `gligen generate`

mod args;
mod asked;
mod found;
mod loaded;
mod planned;
mod written;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use gligen_pipeline::{ModelDir, Plan, Progress, Request};

pub(crate) use self::args::Args;
use self::asked::Asked;
use self::found::are_there;
use self::loaded::Loaded;
use self::planned::Planned;
use crate::failure::Failure;
use crate::output_path::{Target, check_file};
use crate::progress::{Reporter, Unit};
use crate::{interrupt, known_things, latents_file};

/// Bytes of pictures that are held from the first look at all lines on. Those of further lines are read again for their
/// plan, and once more when they are drawn.
const HELD_PICTURES: usize = 128 << 20;

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    args.check()?;
    let target = Target::new(args.output.clone())?;
    for path in args.save_latents.iter().chain(&args.sheet) {
        check_file(path)?;
    }
    args.previews.check()?;
    let all = args.asked(target)?;
    interrupt::listen()?;
    // Before the model is loaded, which may take a while: a file that cannot be read is told at once.
    let mut room = HELD_PICTURES;
    let requests = all.iter().map(|asked| asked.checked_request(&mut room).map_err(|e| asked.at(e)));
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let reporter = Reporter::new(Unit::Steps, args.quiet, args.verbose);
    let mut drawing = Drawing { args: &args, loaded: Loaded::find(&args)?, reporter };
    let plans = drawing.survey(&all, requests)?;
    let mut pictures = Vec::new();
    for (asked, planned) in all.iter().zip(plans) {
        pictures.extend(drawing.draw_or_skip(asked, planned).map_err(|failure| asked.at(failure))?);
    }
    written::write_sheet(&args, &pictures)
}

/// What is needed to draw one layout after the other.
struct Drawing<'a> {
    args: &'a Args,
    loaded: Loaded<'a>,
    reporter: Reporter,
}

impl Drawing<'_> {
    /// Plans all before anything is drawn: what is wrong with a line, or in the way of its pictures, is told at once.
    /// Plans of requests that were too large to be held are not held either, but for those that need no pictures any more.
    fn survey<'a>(
        &mut self,
        all: &'a [Asked],
        requests: Vec<Option<Request>>,
    ) -> Result<Vec<Option<Planned<'a>>>, Failure> {
        let mut plans = Vec::new();
        let mut finished = 0;
        for (asked, request) in all.iter().zip(requests) {
            interrupt::check()?;
            let is_held = request.is_some();
            let mut planned = self.plan(asked, request).map_err(|failure| asked.at(failure))?;
            self.look(&mut planned).map_err(|failure| asked.at(failure))?;
            if planned.are_there {
                finished += 1;
                planned.drop_pictures();
            }
            plans.push((is_held || planned.are_there).then_some(planned));
        }
        if finished > 0 {
            self.reporter.note(format_args!("{finished} of {} lines are drawn already: skipped", all.len()));
        }
        Ok(plans)
    }

    /// Plans `asked`, whose request is read if it is not given.
    fn plan<'a>(&mut self, asked: &'a Asked, request: Option<Request>) -> Result<Planned<'a>, Failure> {
        let pipeline = self.loaded.for_planning(&asked.layout, &self.reporter)?.clone();
        let mut request = request.map_or_else(|| asked.request(), Ok)?;
        let latents = self.args.latents.as_deref();
        request.latents = latents.map(|path| latents_file::read(path, &self.loaded.device)).transpose()?;
        Planned::new(asked, pipeline.plan(&request)?, &self.loaded.model.name)
    }

    /// Looks whether the pictures of a line are there, unless they are known to be.
    fn look(&self, planned: &mut Planned) -> Result<(), Failure> {
        if planned.asked.line.is_some() && !planned.are_there {
            planned.are_there = are_there(planned, self.args.overwrite)?;
        }
        Ok(())
    }

    /// Draws what `asked` wants, unless it is a line whose pictures are there; returns the pictures' paths.
    fn draw_or_skip(&mut self, asked: &Asked, planned: Option<Planned>) -> Result<Vec<PathBuf>, Failure> {
        interrupt::check()?;
        let mut planned = planned.map_or_else(|| self.plan(asked, None), Ok)?;
        // The survey may be hours ago: another run may have drawn them, or something else may lie there now.
        self.look(&mut planned)?;
        if planned.are_there {
            return written::skip(self.args, &planned);
        }
        if let Some(line) = &asked.line {
            self.reporter.note(line);
        }
        self.draw(&planned)
    }

    /// Draws, writes, and tells what was written.
    fn draw(&mut self, planned: &Planned) -> Result<Vec<PathBuf>, Failure> {
        let Self { args, loaded, reporter } = self;
        let plan = &planned.plan;
        if planned.asked.layout.seed.is_none() {
            reporter.note(format_args!("seed {}", plan.request.seed));
        }
        if matches!(loaded.model.files, ModelDir::BuiltIn) {
            let phrases = plan.request.objects.iter().flatten().filter_map(|object| object.phrase.as_deref());
            for warning in known_things::unknown(&plan.request.prompts, phrases) {
                reporter.warning(warning);
            }
        }
        let ready = loaded.for_drawing(&planned.asked.layout, reporter)?;
        tell_plan(reporter, plan, args.computing.device_name());
        interrupt::check()?;

        let mut looked = Ok(());
        reporter.start();
        let started = Instant::now();
        let output = ready.pipeline.run(plan, |progress| {
            match progress {
                Progress::Warning(warning) => reporter.warning(warning),
                Progress::Step { step, of, latents } => {
                    reporter.step(step as u64, of as u64);
                    looked = ready.previews.look(step, latents, plan);
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
        for &index in planned.kept.iter().filter(|&&index| output.withheld[index]) {
            reporter.warning(format_args!(
                "picture {index} was withheld by the model's safety checker: it is black"
            ));
        }
        written::write(args, planned, &output, seconds)
    }
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
