//! Pictures as files, and what is told about them.

use std::path::{Path, PathBuf};

use gligen_pipeline::{Output, write_png};
use image::RgbImage;
use serde::Serialize;

use super::Args;
use super::planned::Planned;
use crate::failure::Failure;
use crate::output_path::{Target, with_suffix};
use crate::{latents_file, overlay, report, sheet};

/// A picture, as programs read it.
#[derive(Serialize)]
struct Told<'a> {
    path: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay: Option<&'a Path>,
    /// Of a file of layouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    seed: u64,
    prompt: &'a str,
    width: usize,
    height: usize,
    /// That the whole run took, from the plan to the last picture; none if the picture was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Whether it was there already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    skipped: bool,
}

/// A sheet of all pictures, as programs read it.
#[derive(Serialize)]
struct ToldSheet<'a> {
    sheet: &'a Path,
}

/// Writes what was drawn in `seconds`, and tells of it; returns the pictures' paths.
pub(super) fn write(
    args: &Args,
    planned: &Planned,
    output: &Output,
    seconds: f64,
) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = &args.save_latents {
        latents_file::write(path, output.latents.clone())?;
    }
    let kept = &planned.kept;
    let paths = planned.asked.target.write_all(kept.len(), |number, writer| {
        let index = kept[number];
        let texts = if args.no_metadata { Vec::new() } else { planned.texts(index) };
        write_png(writer, &output.images[index], &texts)
    })?;
    for (path, &index) in paths.iter().zip(kept) {
        let boxes = args.overlay.then(|| with_suffix(path, "boxes"));
        if let Some(boxes) = &boxes {
            write_overlay(planned, index, &output.images[index], boxes)?;
        }
        if args.json {
            report::json_result(&told(planned, index, path, boxes.as_deref(), Some(seconds)))?;
        } else {
            for path in [Some(path), boxes.as_ref()].into_iter().flatten() {
                report::result(path.display())?;
            }
        }
    }
    Ok(paths)
}

/// Tells of pictures that were there already, and adds overlays that are missing; returns the pictures' paths.
pub(super) fn skip(args: &Args, planned: &Planned) -> Result<Vec<PathBuf>, Failure> {
    let kept = &planned.kept;
    let paths = planned.asked.target.paths(kept.len());
    for (path, &index) in paths.iter().zip(kept) {
        let boxes = args.overlay.then(|| with_suffix(path, "boxes"));
        if let Some(boxes) = boxes.as_ref().filter(|boxes| !boxes.exists()) {
            write_overlay(planned, index, &sheet::read(path)?, boxes)?;
        }
        if args.json {
            report::json_result(&told(planned, index, path, boxes.as_deref(), None))?;
        }
    }
    Ok(paths)
}

/// Writes all `pictures` of a run into one, if there shall be such a sheet, and tells of it.
pub(super) fn write_sheet(args: &Args, pictures: &[PathBuf]) -> Result<(), Failure> {
    let Some(path) = &args.sheet else { return Ok(()) };
    sheet::write(pictures, path)?;
    if args.json { report::json_result(&ToldSheet { sheet: path }) } else { report::result(path.display()) }
}

fn told<'a>(
    planned: &'a Planned,
    index: usize,
    path: &'a Path,
    overlay: Option<&'a Path>,
    seconds: Option<f64>,
) -> Told<'a> {
    Told {
        path,
        overlay,
        line: planned.asked.line.as_ref().map(|line| line.number),
        seed: planned.plan.seeds()[index],
        prompt: planned.prompt(index),
        width: planned.plan.width,
        height: planned.plan.height,
        seconds: seconds.map(|seconds| (seconds * 1e3).round() / 1e3),
        skipped: seconds.is_none(),
    }
}

fn write_overlay(planned: &Planned, index: usize, image: &RgbImage, path: &Path) -> Result<(), Failure> {
    let plan = &planned.plan;
    let picture = overlay::draw(image, plan.objects(index / plan.num_images));
    Target::Named(path.into()).write_all(1, |_, writer| write_png(writer, &picture, &[]))?;
    Ok(())
}
