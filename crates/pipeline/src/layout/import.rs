//! Layouts of other programs, as ours.
//!
//! ```text
//! bytes ─▶ text ──keys──▶ format ──its reader──▶ drafts ──boxes put right, captions──▶ layouts
//!          of a file, or of a picture of ComfyUI
//! ```
//!
//! It stands here and not in the program, so that a page or a server can take such a file as well, and so that it is
//! fuzzed with the other readers.

mod coco;
mod comfyui;
mod corners;
mod diffusers;
mod draft;
mod error;
mod forge_couple;
mod gligen;
mod gligen_gui;
mod ideogram;
mod instancediffusion;
mod keys;
mod labelme;
mod labelstudio;
mod layoutbench;
mod lmd;
mod mig;
mod nsr1k;
mod parallel_lists;
mod python_literal;
mod sampler;
mod source;

use std::borrow::Cow;
use std::fmt;
use std::io::Cursor;

use self::draft::Draft;
pub use self::error::ImportError;
use self::source::Source;
use super::{Layout, layout_lines, without_mark};
use crate::png_file::read_png_texts;

/// Keyword of the text in which ComfyUI puts its workflow into a picture.
const WORKFLOW_KEYWORD: &str = "prompt";

/// A format in which another program keeps layouts.
#[derive(Clone, Copy)]
pub struct ForeignFormat {
    name: &'static str,
    description: &'static str,
    /// A file is in this format if it has all keys of one of these groups, wherever in it they stand.
    marks: &'static [&'static [&'static str]],
    read: fn(&Source) -> Result<Vec<Draft>, ImportError>,
}

impl ForeignFormat {
    /// All formats: one row and one file each.
    pub const ALL: &[Self] = &[
        Self {
            name: "gligen",
            description: "the original's inference script",
            marks: &[&["locations", "phrases"], &["locations", "images"]],
            read: gligen::read,
        },
        Self {
            name: "diffusers",
            description: "arguments of diffusers' GLIGEN pipelines",
            marks: &[&["gligen_boxes"]],
            read: diffusers::read,
        },
        Self {
            name: "comfyui",
            description: "a workflow of ComfyUI, in the API format or in a picture",
            marks: &[&["class_type", "inputs"], &["last_node_id", "nodes", "links"]],
            read: comfyui::read,
        },
        Self {
            name: "gligen-gui",
            description: "a session of gligen-gui",
            marks: &[&["mapProps", "boxMap"]],
            read: gligen_gui::read,
        },
        Self {
            name: "ideogram",
            description: "a structured prompt of Ideogram 4, also from ComfyUI's box editor",
            marks: &[&["compositional_deconstruction"]],
            read: ideogram::read,
        },
        Self {
            name: "lmd",
            description: "LLM-grounded diffusion: a model's answer, a cache of answers, or a specification",
            marks: &[&[lmd::BACKGROUND], &["gen_boxes"]],
            read: lmd::read,
        },
        Self {
            name: "nsr1k",
            description: "NSR-1K, the benchmark of LayoutGPT",
            marks: &[&["obj1", "obj2"], &["object_list"]],
            read: nsr1k::read,
        },
        Self {
            name: "layoutbench",
            description: "LayoutBench-COCO",
            marks: &[&["boxes_normalized"]],
            read: layoutbench::read,
        },
        Self {
            name: "mig",
            description: "COCO-MIG, the benchmark of MIGC",
            marks: &[&["segment"]],
            read: mig::read,
        },
        Self {
            name: "instancediffusion",
            description: "a demo of InstanceDiffusion",
            marks: &[&["annos"]],
            read: instancediffusion::read,
        },
        Self {
            name: "coco",
            description: "instances of COCO and of what is labelled like it",
            marks: &[&["annotations", "categories", "image_id"]],
            read: coco::read,
        },
        Self {
            name: "labelme",
            description: "a picture labelled with LabelMe",
            marks: &[&["shapes", "points"]],
            read: labelme::read,
        },
        Self {
            name: "labelstudio",
            description: "rectangles of Label Studio",
            marks: &[&["rectanglelabels"]],
            read: labelstudio::read,
        },
        Self {
            name: "forge-couple",
            description: "a request with Forge Couple's advanced mapping, or a mapping alone",
            marks: &[&["alwayson_scripts", "forge couple"], &["alwayson_scripts", "forge_couple"]],
            read: forge_couple::read,
        },
    ];

    /// The name that users type, such as `coco`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// A few words on what it is.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name == name)
    }

    /// The format of `text`, found by its keys alone.
    ///
    /// # Errors
    /// It is neither JSON nor an answer for `lmd`; it has the keys of no format, or of several; it is a layout of ours.
    pub fn of(text: &str) -> Result<Self, ImportError> {
        let marks: Vec<_> =
            Self::ALL.iter().flat_map(|format| format.marks).flat_map(|group| *group).collect();
        let found = match keys::found(text, &marks) {
            Ok(found) => found,
            Err(_) if text.contains(lmd::BACKGROUND) => [lmd::BACKGROUND].into(), // an answer, which is no JSON
            Err(_) if are_ours(text) => return Err(ImportError::Ours),
            Err(error) => return Err(ImportError::Json(error)),
        };
        let has_all = |group: &&[&str]| group.iter().all(|mark| found.contains(mark));
        let formats: Vec<_> = Self::ALL.iter().filter(|format| format.marks.iter().any(has_all)).collect();
        match formats.as_slice() {
            [format] => Ok(**format),
            [] if are_ours(text) => Err(ImportError::Ours),
            [] => Err(ImportError::Unknown),
            several => {
                let formats = several.iter().map(|format| format.name).collect();
                Err(ImportError::Ambiguous { formats })
            }
        }
    }
}

impl fmt::Debug for ForeignFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignFormat").field(&self.name).finish()
    }
}

/// Whether `text` is a layout of ours, or a line of JSON for each of several.
fn are_ours(text: &str) -> bool {
    let is_ours = |text: &str| Layout::from_json(text).is_ok();
    let mut lines = layout_lines(text).peekable();
    is_ours(text) || lines.peek().is_some() && lines.all(|(_, line)| is_ours(line))
}

/// What is known of a foreign file beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// Its format; found by its keys if left out.
    pub format: Option<ForeignFormat>,
    /// The caption of layouts that have none; if left out, their phrases, one after the other. A mapping of Forge Couple
    /// without a prompt has its phrases from here, a line each.
    pub prompt: Option<&'a str>,
}

/// A layout from another program's file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// What its file calls it; where it has no name, its number in the file from 0.
    pub id: String,
    /// The layout.
    pub layout: Layout,
    /// What was put right or left out, each with its place in the file.
    pub notes: Vec<String>,
}

impl Layout {
    /// Reads the layouts of another program: the bytes of a file, or of a picture with a workflow of ComfyUI. There is at
    /// least one.
    ///
    /// Corners the wrong way round are put right and boxes that reach over the edge are cut there; both are noted. A box
    /// without area stays, as does the 31st object. A box that lies outside, or further over the edge than the picture is
    /// large, is an error: its numbers are in another unit.
    ///
    /// Settings of the sampler are taken over where the format has them. Sizes are taken over where they are that of the
    /// picture to be drawn, not that of a labelled photograph.
    ///
    /// ```
    /// use gligen_pipeline::{ImportOptions, Layout};
    ///
    /// let theirs = r#"{"139": {"caption": "a cat", "segment": [{"label": "cat", "bbox": [0.9, 0.2, 0.1, 0.8]}]}}"#;
    /// let imported = Layout::import(theirs.as_bytes(), &ImportOptions::default())?.remove(0);
    /// assert_eq!(imported.id, "139");
    /// assert_eq!(imported.layout.objects[0][0].rect, [0.1, 0.2, 0.9, 0.8]);
    /// assert_eq!(imported.notes, ["139.segment[0].bbox: corners the wrong way round were put right"]);
    /// # Ok::<(), gligen_pipeline::ImportError>(())
    /// ```
    ///
    /// # Errors
    /// [`ImportError`]; each of a value names its place, as in `elements[2].bbox`.
    pub fn import(bytes: &[u8], options: &ImportOptions) -> Result<Vec<Imported>, ImportError> {
        let text = text_of(bytes)?;
        let text = without_mark(&text);
        let format = options.format.map_or_else(|| ForeignFormat::of(text), Ok)?;
        let drafts = (format.read)(&Source { text, prompt: options.prompt })?;
        let imported = drafts.into_iter().enumerate();
        let imported = imported.filter_map(|(index, draft)| draft.finish(index, options.prompt).transpose());
        let imported = imported.collect::<Result<Vec<_>, _>>()?;
        if imported.is_empty() { Err(ImportError::Empty { format: format.name }) } else { Ok(imported) }
    }
}

/// The text of a file, or that of a picture of ComfyUI.
fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, ImportError> {
    if !bytes.starts_with(b"\x89PNG") {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(ImportError::Text);
    }
    let texts = read_png_texts(Cursor::new(bytes))?;
    let named = |keyword| texts.iter().find(|(found, _)| found == keyword).map(|(_, text)| text.clone());
    match (named(WORKFLOW_KEYWORD), named(crate::LAYOUT_KEYWORD)) {
        (Some(workflow), _) => Ok(workflow.into()),
        (None, Some(_)) => Err(ImportError::Ours),
        (None, None) => Err(ImportError::NoWorkflowInPicture),
    }
}
