//! `cargo xtask page`: the page of `gligen serve` in a real Chromium.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use crate::Result;
use crate::process::{gligen, program, root, run as finish};

/// Where the test is, with the packages that it uses.
const FOLDER: &str = "crates/server/page-tests";

/// Where Chromium is looked for.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Drive the page of `gligen serve` in a real Chromium; needs Node.js and `npm ci` in crates/server/page-tests
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Make the screenshots of the documentation, with all steps
    #[arg(long)]
    pictures: bool,
    /// The browser [default: the first Chromium that is found]
    #[arg(long, env = "CHROMIUM", value_name = "PATH")]
    chromium: Option<PathBuf>,
}

/// Builds the program and runs the test on it; says what is missing, and installs nothing.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let node = find("node").ok_or("no `node` here: install Node.js 20 or later")?;
    let chromium = arguments.chromium.clone().or_else(|| CHROMIUM.into_iter().find_map(find));
    let chromium = chromium.ok_or("no Chromium here: install it (on Debian: apt-get install chromium)")?;
    if !root().join(FOLDER).join("node_modules/playwright-core").is_dir() {
        return Err(format!("the packages of the test are missing: npm ci --prefix {FOLDER}").into());
    }
    let gligen = gligen()?;
    let mut test = program(node);
    test.arg(root().join(FOLDER).join("page.mjs")).arg(gligen).arg(chromium);
    if arguments.pictures {
        test.arg(root().join("docs/pictures"));
    }
    finish(&mut test)
}

/// The program `name`, where the shell would find it.
fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(format!("{name}{EXE_SUFFIX}")));
    paths.find(|path| path.is_file())
}
