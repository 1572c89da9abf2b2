//! `gligen pull`

use std::path::PathBuf;

use gligen_hub::{Hub, ModelId};
use serde::Serialize;

use crate::failure::Failure;
use crate::model_source::Fetching;
use crate::{interrupt, report};

/// Fetch a model from a hub, as the hub has it now, and print where it is
///
/// Only what is needed is fetched, into the cache that all programs of the hub share. What breaks off goes on with the
/// next run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gligen pull masterful/gligen-1-4-generation-text-box@refs/pr/2
  gligen generate --model masterful/gligen-1-4-generation-text-box@refs/pr/2 --layout room.json

Environment: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT")]
pub(crate) struct Args {
    /// Owner and name, and after an @ a branch, a tag, a commit or refs/pr/N
    #[arg(value_name = "OWNER/NAME[@REVISION]")]
    id: ModelId,
    /// Single files instead, by their paths in the repository
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// No progress
    #[arg(long, conflicts_with = "verbose")]
    quiet: bool,
    /// More progress
    #[arg(long)]
    verbose: bool,
}

/// What was fetched, as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    path: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    interrupt::listen()?;
    let hub = Hub::from_env()?;
    let mut fetching = Fetching::new(args.quiet, args.verbose);
    let mut tell = |progress: gligen_hub::Progress<'_>| fetching.tell(&progress);
    let paths = if args.files.is_empty() {
        vec![(None, hub.pull(&args.id, &mut tell)?)]
    } else {
        let paths = hub.pull_files(&args.id, &args.files, &mut tell)?;
        args.files.iter().map(|file| Some(file.as_str())).zip(paths).collect()
    };
    for (file, path) in paths {
        if args.json {
            report::json_result(&Line { id: args.id.to_string(), file, path })?;
        } else {
            report::result(path.display())?;
        }
    }
    Ok(())
}
