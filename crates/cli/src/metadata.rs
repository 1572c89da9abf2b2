//! `gligen metadata`

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use gligen_pipeline::{LAYOUT_KEYWORD, Layout, PARAMETERS_KEYWORD, read_png_texts};
use serde::Serialize;

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

/// The texts, as programs read them.
#[derive(Serialize)]
struct Metadata {
    gligen: Option<Gligen>,
    parameters: Option<String>,
}

/// What stands under our keyword.
#[derive(Serialize)]
#[serde(untagged)]
enum Gligen {
    Layout(Box<Layout>),
    /// Another program's, or that of a later version.
    Other(String),
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
        let text = |keyword| ours.iter().find(|(key, _)| key == keyword).map(|(_, text)| text.clone());
        return report::json_result(&Metadata {
            gligen: text(LAYOUT_KEYWORD).map(|text| match Layout::from_json(&text) {
                Ok(layout) => Gligen::Layout(Box::new(layout)),
                Err(_) => Gligen::Other(text),
            }),
            parameters: text(PARAMETERS_KEYWORD),
        });
    }
    for (key, text) in ours {
        report::result(format_args!("{key}:\n{}\n", text.trim_end()))?;
    }
    Ok(())
}
