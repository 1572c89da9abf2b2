//! `gligen layout draw`

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use gligen_pipeline::{
    Compat, Error, Layout, LayoutError, LayoutObject, Object, Transparency, layout_lines, read_picture,
    rgb_image, write_png,
};
use image::{Rgb, RgbImage};

use crate::failure::Failure;
use crate::input::{layout_on_line, read};
use crate::output_path::Target;
use crate::{overlay, report};

/// The side of a canvas whose layout says none.
const SIDE: u32 = 512;

/// The largest side of a canvas.
const MAX_SIDE: u32 = 8192;

/// What an object is called of which there is only a picture, in the layout itself.
const UNNAMED: &str = "(a picture)";

/// Draw a layout's boxes and phrases, without a model
///
/// Nothing else is read than the layout: the pictures of its objects need not be there. Small canvases and pictures are
/// enlarged until the phrases can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gligen layout draw room.json --output room-boxes.png
  gligen layout draw gligen-0001.png --over gligen-0001.png
  gligen layout import session.json | gligen layout draw -")]
pub(crate) struct Args {
    /// A layout file, one with a layout on each line, or a picture of ours; `-` reads standard input
    layout: PathBuf,
    /// A picture to draw over, instead of an empty canvas
    #[arg(long, value_name = "PICTURE", conflicts_with_all = ["width", "height"])]
    over: Option<PathBuf>,
    /// Width of the canvas in pixels [default: the layout's, or 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SIDE)))]
    width: Option<u32>,
    /// Height of the canvas in pixels [default: the layout's, or 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SIDE)))]
    height: Option<u32>,
    /// A PNG file, `-` for standard output; several layouts, and captions with objects of their own, get -0, -1, … before
    /// the suffix [default: the next free gligen-NNNN.png]
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let target = Target::new(args.output.clone())?;
    let (bytes, name) = read(&args.layout)?;
    let over = args.over.as_deref().map(picture).transpose()?;
    let mut drawings = Vec::new();
    for (line, layout) in layouts(&bytes, &name)? {
        let at = |failure: Failure| match &line {
            Some(place) => Failure::Line { place: place.clone(), source: failure.into() },
            None => failure,
        };
        let [width, height] = match &over {
            Some(picture) => picture.dimensions().into(),
            None => size(args, &layout).map_err(at)?,
        };
        let lists = objects(&layout).map_err(at)?.into_iter();
        drawings.extend(lists.map(|objects| Drawing { width, height, objects }));
    }
    let paths = target.write_all(drawings.len(), |index, writer| {
        let Drawing { width, height, objects } = &drawings[index];
        let empty = || RgbImage::from_pixel(*width, *height, Rgb([255; 3]));
        let canvas = over.as_ref().map_or_else(|| Cow::Owned(empty()), Cow::Borrowed);
        write_png(writer, &overlay::draw(&canvas, objects), &[])
    })?;
    paths.iter().try_for_each(|path| report::result(path.display()))
}

/// What is to be drawn on one canvas.
struct Drawing {
    width: u32,
    height: u32,
    objects: Vec<Object>,
}

/// The layout of a file, or those on its lines, each of which comes with what errors call its line.
fn layouts(bytes: &[u8], name: &str) -> Result<Vec<(Option<String>, Layout)>, Failure> {
    let whole = match Layout::from_bytes(bytes) {
        Ok(layout) => return Ok(vec![(None, layout)]),
        Err(source) => Failure::layout(name, source),
    };
    let mut lines = layout_lines(std::str::from_utf8(bytes).unwrap_or_default()).peekable();
    if lines.peek().is_none_or(|(_, first)| Layout::from_json(first).is_err()) {
        return Err(whole);
    }
    let each = lines.map(|(number, line)| {
        let place = format!("{name}, line {number}");
        layout_on_line(place.clone(), number, line).map(|layout| (Some(place), layout))
    });
    each.collect()
}

/// The objects of each picture, with their boxes checked as if they were to be generated.
fn objects(layout: &Layout) -> Result<Vec<Vec<Object>>, Failure> {
    let inverted_box_allowed = layout.compat == Compat::Diffusers;
    let mut lists = Vec::new();
    for (list, objects) in layout.objects.iter().enumerate() {
        let place_of = |index| match layout.objects.len() {
            1 => format!("objects[{index}]"),
            _ => format!("objects[{list}][{index}]"),
        };
        let objects = objects.iter().enumerate().map(|(index, object)| {
            let object = labelled(object);
            object.check(&place_of(index), inverted_box_allowed).map_err(Error::from)?;
            Ok(object)
        });
        lists.push(objects.collect::<Result<_, Failure>>()?);
    }
    if lists.is_empty() {
        lists.push(Vec::new());
    }
    Ok(lists)
}

/// An object with its phrase, or with the name of its picture, which is not opened.
fn labelled(object: &LayoutObject) -> Object {
    let file_name = |path: &PathBuf| match path.to_str() {
        Some(text) if text.starts_with("data:") => UNNAMED.into(),
        _ => path.file_name().map_or(UNNAMED.into(), |name| name.to_string_lossy().into_owned()),
    };
    let label = object.phrase.clone().or_else(|| object.image.as_ref().map(file_name));
    let mut labelled = Object::phrase("", object.rect);
    labelled.phrase = label;
    labelled
}

/// Width and height of an empty canvas.
fn size(args: &Args, layout: &Layout) -> Result<[u32; 2], Failure> {
    let side = |asked: Option<u32>, of_layout: Option<usize>, key| match (asked, of_layout) {
        (Some(side), _) => Ok(side),
        (None, None) => Ok(SIDE),
        (None, Some(side)) => {
            let fitting = u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE).contains(side));
            fitting.ok_or_else(|| {
                let message = format!("`{key}` is {side}, expected 1 to {MAX_SIDE}");
                Failure::arguments(message, format!("give another one with --{key}"))
            })
        }
    };
    Ok([side(args.width, layout.width, "width")?, side(args.height, layout.height, "height")?])
}

/// The picture in a file.
fn picture(path: &Path) -> Result<RgbImage, Failure> {
    let picture = read_picture(path, Transparency::OverWhite).map_err(|source| {
        Failure::Picture(LayoutError::Picture { path: "--over".into(), source: source.into() })
    })?;
    Ok(rgb_image(picture).unwrap_or_default()) // a picture has three bytes a pixel
}
