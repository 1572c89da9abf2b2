//! `cargo xtask ci`: everything that must hold, cheapest first.

use std::time::Instant;

use clap::ValueEnum;

use crate::process::{cargo, run as finish};
use crate::{Result, clients, miri, page, tidy};

/// Run everything that must hold before a change goes in, cheapest first
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this step
    #[arg(long)]
    step: Option<Step>,
}

/// The steps in the order they run.
///
/// Clippy, doc and the tests see the whole workspace, so that all three ask for the same features of Burn; clippy
/// and doc then share one checked build of everything below. Only `gpu` and `miri` need Burn once more each, checked,
/// not compiled.
#[derive(Clone, Copy, ValueEnum)]
enum Step {
    /// Formatting
    Fmt,
    /// What `cargo xtask tidy` looks at
    Tidy,
    /// Licences and sources of all dependencies
    Deny,
    /// Lints
    Clippy,
    /// Documentation, with its links
    Doc,
    /// The CUDA and Vulkan backends still type-check (neither needs its toolkit for that)
    Gpu,
    /// All tests, as a user runs them
    Test,
    /// Clients of other programs against the server
    Clients,
    /// The page in a real Chromium
    Page,
    /// The kernels' `unsafe` in Miri
    Miri,
}

/// Runs all steps, or the chosen one, and stops at the first that fails.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let chosen = arguments.step.as_ref().map(std::slice::from_ref);
    for step in chosen.unwrap_or(Step::value_variants()) {
        let name = step.name();
        eprintln!("== {name}");
        let start = Instant::now();
        step.run().map_err(|e| format!("step `{name}`: {e}"))?;
        eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
    }

    fn run(self) -> Result {
        match self {
            Self::Fmt => finish(&mut cargo("fmt --all --check")),
            Self::Tidy => tidy::run(),
            Self::Deny => finish(&mut cargo("deny check licenses bans sources")),
            Self::Clippy => finish(&mut cargo("clippy --workspace --all-targets -- -D warnings")),
            Self::Doc => finish(cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings")),
            // As on docs.rs, where cubecl-llvm's build script fetches nothing.
            Self::Gpu => finish(cargo("check -p gligen-cli --features cuda,vulkan").env("DOCS_RS", "1")),
            Self::Test => finish(&mut cargo("test --workspace")),
            Self::Clients => clients::run(&clients::Arguments::default()),
            Self::Page => page::run(&page::Arguments::default()),
            Self::Miri => miri::run(&miri::Arguments::default()),
        }
    }
}
