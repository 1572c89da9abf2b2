//! What the flags and a file ask for together: one layout, or one on each line of the file.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use gligen_pipeline::{Layout, Picture, Request, layout_lines};

use super::Args;
use crate::failure::Failure;
use crate::input::{layout_on_line, read};
use crate::output_path::{Target, with_suffix};

/// How the name of a file ends that has a layout on each line.
const LINES: &str = "jsonl";

/// A layout to draw, with paths from where the program runs.
pub(super) struct Asked {
    pub(super) layout: Layout,
    /// Where its pictures go.
    pub(super) target: Target,
    /// The line that it stands on, if it is one of many.
    pub(super) line: Option<Line>,
}

/// A line of a file.
#[derive(Clone)]
pub(super) struct Line {
    file: PathBuf,
    /// From 1; empty ones count, so that it is also what an editor calls it.
    pub(super) number: usize,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file.display(), self.number)
    }
}

impl Asked {
    /// The request that the layout makes, with its pictures read.
    pub(super) fn request(&self) -> Result<Request, Failure> {
        self.layout.clone().into_request(Path::new("")).map_err(Failure::Picture)
    }

    /// The same once the other files that the layout names are there; `None` if its pictures take more than `room`,
    /// bytes of which they are taken otherwise.
    pub(super) fn checked_request(&self, room: &mut usize) -> Result<Option<Request>, Failure> {
        for path in self.layout.clone().adapters_mut() {
            File::open(&path).map_err(|source| Failure::file(&*path, source))?;
        }
        let request = self.request()?;
        let left = room.checked_sub(pictures(&request).map(|picture| picture.rgb().len()).sum());
        *room = left.unwrap_or(*room);
        Ok(left.map(|_| request))
    }

    /// `failure` with the line that it is about.
    pub(super) fn at(&self, failure: Failure) -> Failure {
        match (&self.line, failure) {
            (Some(line), failure) if !matches!(failure, Failure::ClosedPipe) => {
                Failure::Line { place: line.to_string(), source: failure.into() }
            }
            (_, failure) => failure,
        }
    }
}

/// All pictures that `request` holds.
fn pictures(request: &Request) -> impl Iterator<Item = &Picture> {
    let of_objects = request.objects.iter().flatten().filter_map(|object| object.image.as_ref());
    let repainted = request.inpaint.iter().flat_map(|inpaint| [Some(&inpaint.image), inpaint.mask.as_ref()]);
    of_objects.chain(repainted.flatten())
}

impl Args {
    /// Whether there is a layout on each line of a file.
    pub(super) fn is_lines(&self) -> bool {
        let extension = self.layout.as_deref().and_then(Path::extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(LINES))
    }

    /// All that is asked for; the pictures go to `target`.
    pub(super) fn asked(&self, target: Target) -> Result<Vec<Asked>, Failure> {
        let layout = match &self.layout {
            Some(path) if self.is_lines() => return self.lines(path),
            None => Layout::default(),
            Some(path) => {
                let (bytes, name) = read(path)?;
                beside(path, Layout::from_bytes(&bytes).map_err(|source| Failure::layout(name, source))?)
            }
        };
        Ok(vec![Asked { layout: self.over(layout)?, target, line: None }])
    }

    /// The layouts on the lines of the file `path`. A picture is named by its line, so that it is found again.
    fn lines(&self, path: &Path) -> Result<Vec<Asked>, Failure> {
        let name = Path::new(path.file_name().unwrap_or_default()).with_extension("png");
        let output = self.output.clone().unwrap_or(name);
        let text = std::fs::read_to_string(path).map_err(|source| Failure::file(path, source))?;
        let mut all = Vec::new();
        for (number, line) in layout_lines(&text) {
            let place = Line { file: path.into(), number };
            let layout = layout_on_line(place.to_string(), number, line)?;
            all.push(Asked {
                layout: self.over(beside(path, layout))?,
                target: Target::Named(with_suffix(&output, &format!("{number:04}"))),
                line: Some(place),
            });
        }
        if all.is_empty() {
            let message = format!("{}: expected a layout on each line, found none", path.display());
            return Err(Failure::arguments(message, r#"a line is, say, {"prompt": "a cat", "seed": 1}"#));
        }
        Ok(all)
    }
}

/// `layout` from the file `path`, beside which lie the files that it names; those of standard input, from where the
/// program runs.
fn beside(path: &Path, mut layout: Layout) -> Layout {
    let folder = path.parent().unwrap_or(Path::new(""));
    layout.pictures_mut().for_each(|path| *path = folder.join(&*path));
    layout.adapters_mut().for_each(|path| *path = folder.join(&*path));
    layout
}
