//! `gligen metadata`

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use gligen_pipeline::{LAYOUT_KEYWORD, PARAMETERS_KEYWORD, read_png_texts};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::report;

/// Print what a picture says about how it was made
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A PNG file
    picture: PathBuf,
    /// One JSON object with the texts `gligen` (a layout) and `parameters`
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let path = &args.picture;
    let file = File::open(path).map_err(|source| Failure::file(path, source))?;
    let texts =
        read_png_texts(BufReader::new(file)).map_err(|source| Failure::Png { path: path.clone(), source })?;
    let ours: Vec<_> = texts
        .into_iter()
        .filter(|(key, _)| [LAYOUT_KEYWORD, PARAMETERS_KEYWORD].contains(&key.as_str()))
        .collect();
    if ours.is_empty() {
        return Err(Failure::NoMetadata { path: path.clone() });
    }
    if args.json {
        // The layout as JSON inside JSON, if it is any; another program may have put a text of that name there.
        let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        let object: Map<_, _> = ours.into_iter().map(|(key, text)| (key, value(text))).collect();
        return report::result(Value::Object(object));
    }
    for (key, text) in ours {
        report::result(format_args!("{key}:\n{}\n", text.trim_end()))?;
    }
    Ok(())
}
