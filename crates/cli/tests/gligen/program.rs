//! Running the program in an empty folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A caption and an object that the built-in model knows.
pub(crate) const CAT: [&str; 6] =
    ["--prompt", "a cat on a white background", "--phrase", "a cat", "--box", "0.1,0.2,0.9,0.8"];

/// The version is written into pictures, and changes with every release.
const VERSION: &str = concat!("gligen-rs ", env!("CARGO_PKG_VERSION"));

/// A folder to run in.
pub(crate) struct Program {
    folder: TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Names of all files, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.folder.path().read_dir().unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program with these arguments, its environment without what would change the outcome.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gligen"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        let ours = ["GLIGEN_MODEL", "GLIGEN_DEVICE", "CLICOLOR_FORCE", "COLUMNS"];
        let of_hubs =
            ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"];
        for name in ours.into_iter().chain(of_hubs) {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `gligen generate` with one step, which must succeed; returns its standard output.
    pub(crate) fn generate(&self, args: &[&str]) -> String {
        let output = self.run(&[&["generate", "--steps", "1"], args].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Exit status, standard output and standard error as one text, to be kept as a snapshot.
    pub(crate) fn told(&self, args: &[&str]) -> String {
        let output = self.run(args);
        format!(
            "exit: {}\n--- stdout\n{}--- stderr\n{}",
            output.status.code().map_or("none".into(), |code| code.to_string()),
            text(&output.stdout),
            text(&output.stderr)
        )
        .replace(VERSION, "gligen-rs VERSION")
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
