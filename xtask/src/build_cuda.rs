//! `cargo xtask build-cuda`: the release binary with the CUDA backend, on a machine without CUDA.

use std::path::PathBuf;

use crate::Result;
use crate::process::{self, cargo, program, root};

/// The LLVM that cubecl-cuda's compiler links, as `tracel-llvm-bundler` names it; moves with Burn.
const LLVM: &str = "tracel-llvm-23.1.0-4";

/// Build the release binary with the CUDA backend
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Take LLVM from Debian's packages at once, without trying the download that the build does by itself
    #[arg(long)]
    debian_llvm: bool,
}

/// Builds; where LLVM's download fails, its folder is filled from Debian's packages and the build goes on.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let prefix = llvm_prefix()?;
    let installed = || prefix.join(".tracel-llvm-installed").exists();
    if arguments.debian_llvm && !installed() {
        make_prefix(&prefix)?;
    }
    if let Err(error) = build() {
        // With LLVM in place the mistake is elsewhere, and a second build would only repeat it.
        if installed() {
            return Err(error);
        }
        eprintln!("LLVM is not there and its download failed; taking it from Debian's packages");
        make_prefix(&prefix)?;
        build()?;
    }
    let binary = root().join("target/release/gligen");
    let size = std::fs::metadata(&binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    println!("{}: {} MB", binary.display(), size / 1_000_000);
    Ok(())
}

fn build() -> Result {
    let mut build = cargo("build --release -p gligen-cli --features cuda");
    // The version of the bindings; the driver itself is opened at run time.
    process::run(build.env("CUDARC_CUDA_VERSION", "13000"))
}

fn make_prefix(prefix: &std::path::Path) -> Result {
    process::run(program("bash").arg("xtask/cuda/make-llvm-prefix.sh").arg("target/llvm-work").arg(prefix))
}

/// Where `tracel-llvm-bundler` looks.
fn llvm_prefix() -> Result<PathBuf> {
    let data = match (std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME")) {
        (Some(data), _) => PathBuf::from(data),
        (None, Some(home)) => PathBuf::from(home).join(".local/share"),
        (None, None) => return Err("neither XDG_DATA_HOME nor HOME is set".into()),
    };
    Ok(data.join("tracel").join(LLVM))
}
