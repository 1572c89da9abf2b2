//! `gligen layout`: layouts without drawing pictures of them.

mod draw;
mod import;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// Take over a layout of another program, or look at one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(import::Args),
    Draw(draw::Args),
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Draw(args) => draw::run(args),
    }
}

/// What error texts call standard input.
const STDIN: &str = "standard input";

/// The most bytes that a file may have: the largest of COCO's has half as many.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The bytes of `path`, of standard input for `-`, and what to call it.
fn read(path: &Path) -> Result<(Vec<u8>, String), Failure> {
    let mut bytes = Vec::new();
    let mut read_from = |reader: &mut dyn Read| reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    let name = if path == Path::new("-") {
        read_from(&mut io::stdin().lock()).map_err(|source| Failure::System { what: STDIN, source })?;
        STDIN.into()
    } else {
        let file_error = |source| Failure::file(path, source);
        read_from(&mut File::open(path).map_err(file_error)?).map_err(file_error)?;
        path.display().to_string()
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::arguments(
            format!("{name}: larger than {} MiB", MAX_FILE_BYTES >> 20),
            "split it, or take the layouts that you want out of it",
        ));
    }
    Ok((bytes, name))
}
