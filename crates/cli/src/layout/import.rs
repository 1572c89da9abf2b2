//! `gligen layout import`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use gligen_pipeline::{AtomicFile, ForeignFormat, ImportOptions, Imported, Layout};

use crate::failure::Failure;
use crate::input::read;
use crate::output_path::check_folder;
use crate::report;
use crate::seen_from::{seen_from, whole};

/// How many names of layouts an error lists.
const MAX_LISTED: usize = 10;

/// Print layouts of another program as ours, one a line
///
/// What kind of file it is, is found by its keys. Corners the wrong way round are put right, boxes that reach over the
/// edge are cut there, and what cannot be taken over is left out; each is told on standard error. A box outside the
/// picture is an error. Settings of the sampler are taken over where they are known; the size only if it is that of a
/// picture to be drawn, not that of a labelled photograph.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gligen layout import ComfyUI_00001_.png > fox.json
  gligen layout import instances_val2017.json --image-id 285 | gligen generate --layout -
  gligen layout import mig_bench.json --output mig.jsonl        # a line for each of its layouts")]
pub(crate) struct Args {
    /// A file of another program, or a picture with a workflow of ComfyUI; `-` reads standard input
    file: PathBuf,
    /// What it is [default: found by its keys]
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    from: Option<ForeignFormat>,
    /// Only the layout that the file calls so, or the one with this number from 0 where they have no names [default: all]
    #[arg(long, value_name = "ID")]
    image_id: Option<String>,
    /// The caption of layouts that have none, and the lines of a Forge Couple mapping that stands alone [default: the
    /// phrases, one after the other]
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A file to write instead of standard output
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// The names of all formats, with what they are.
fn formats() -> impl TypedValueParser<Value = ForeignFormat> {
    let value = |format: &ForeignFormat| PossibleValue::new(format.name()).help(format.description());
    let names = PossibleValuesParser::new(ForeignFormat::ALL.iter().map(value));
    names.try_map(|name| ForeignFormat::from_name(&name).ok_or("no such format"))
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    output.map(check_folder).transpose()?;
    let (bytes, name) = read(&args.file)?;
    let options = ImportOptions { format: args.from, prompt: args.prompt.as_deref() };
    let all =
        Layout::import(&bytes, &options).map_err(|source| Failure::Import { place: name.clone(), source })?;
    let mut chosen = match &args.image_id {
        None => all,
        Some(id) => called(all, id, &name)?,
    };
    for Imported { layout, notes, .. } in &mut chosen {
        layout.pictures_mut().for_each(|path| *path = named_in(output, &args.file, path));
        notes.iter().for_each(report::warning);
    }
    let lines: String = chosen.iter().map(|one| one.layout.to_json() + "\n").collect();
    match output {
        None => report::result(lines.trim_end()),
        Some(path) => {
            let mut file = AtomicFile::create(path)?;
            file.write_all(lines.as_bytes()).map_err(|source| Failure::file(path, source))?;
            file.commit()?;
            report::result(path.display())
        }
    }
}

/// The layouts that their file calls `id`.
fn called(all: Vec<Imported>, id: &str, name: &str) -> Result<Vec<Imported>, Failure> {
    let (chosen, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.id == id);
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let listed: Vec<_> = others.iter().take(MAX_LISTED).map(|one| one.id.as_str()).collect();
    let more =
        if others.len() > MAX_LISTED { format!(", … ({} in all)", others.len()) } else { String::new() };
    Err(Failure::arguments(
        format!("{name}: it has no layout `{id}`"),
        format!("it has: {}{more}", listed.join(", ")),
    ))
}

/// A picture that `input` names, as a layout in `output` has to name it. Nobody knows where standard output goes: there
/// only what lies beside where the program runs keeps its name.
fn named_in(output: Option<&Path>, input: &Path, picture: &Path) -> PathBuf {
    let folder = |path: &Path| path.parent().map(PathBuf::from).unwrap_or_default();
    let path = folder(input).join(picture);
    match output {
        Some(output) => seen_from(&folder(output), &path),
        None if matches!(folder(input).to_str(), Some("" | ".")) => path,
        None => whole(&path),
    }
}
