//! Models of a hub: fetched, found again, and never there by half.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use gligen_testkit::{Fault, HubServer, fixtures};

use crate::program::{CAT, Program, text};

const MODEL: &str = "somebody/tiny-gligen";

/// A hub with the small model, a folder to run in, and a cache in it.
struct Place {
    server: HubServer,
    program: Program,
}

impl Place {
    fn new() -> Self {
        let server = HubServer::start();
        server.commit_folder(MODEL, "main", &fixtures().join("tiny-gligen"));
        Self { server, program: Program::new() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program.command(args);
        command.env("HF_ENDPOINT", self.server.endpoint()).env("HF_HOME", self.program.path("hf"));
        command
    }

    /// Exit status, standard output and standard error, without what differs from run to run.
    fn told(&self, mut command: Command) -> String {
        let output = command.output().unwrap();
        let status = output.status.code().map_or("none".into(), |code| code.to_string());
        format!("exit: {status}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
            .replace(self.server.endpoint(), "HUB")
            .replace(self.program.folder().to_str().unwrap(), "FOLDER")
    }

    fn repository(&self) -> PathBuf {
        self.program.path("hf/hub/models--somebody--tiny-gligen")
    }
}

#[test]
fn a_model_of_the_hub_draws_what_its_folder_draws() {
    let place = Place::new();
    let draw = |model: &str, offline: &str| {
        let args =
            ["generate", "--quiet", "--steps", "1", "--seed", "3", "--no-metadata", "--output", "cat.png"];
        let mut command = place.command(&[&args[..], &["--model", model], &CAT].concat());
        let output = command.env("HF_HUB_OFFLINE", offline).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(place.program.path("cat.png")).unwrap()
    };
    let folder = fixtures().join("tiny-gligen");
    let expected = draw(folder.to_str().unwrap(), "0");
    assert!(draw(MODEL, "0") == expected);
    place.server.seen();
    assert!(draw(MODEL, "1") == expected);
    assert_eq!(place.server.seen(), []);
}

#[test]
fn a_model_of_the_hub_is_inspected_and_converted_as_its_folder_is() {
    let place = Place::new();
    let told = |args: &[&str]| {
        let output = place.command(args).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let folder = fixtures().join("tiny-gligen");
    let folder = folder.to_str().unwrap();
    assert_eq!(told(&["inspect", MODEL]), told(&["inspect", folder]).replace(folder, MODEL));
    for (model, file) in [(MODEL, "of-hub.safetensors"), (folder, "of-folder.safetensors")] {
        told(&["convert", "--quiet", model, file, "--to", "adapter"]);
    }
    let read = |file: &str| fs::read(place.program.path(file)).unwrap();
    assert!(read("of-hub.safetensors") == read("of-folder.safetensors"));
}

/// Progress is none of the output, so `--json` does not keep it back.
#[test]
fn inspect_tells_what_it_fetches() {
    let place = Place::new();
    let output = place.command(&["inspect", "--json", MODEL]).output().unwrap();
    assert!(output.status.success());
    let told = text(&output.stderr);
    assert!(told.starts_with("fetching 12 files, 22.1 MB\n"), "{told}");
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok(), "{}", text(&output.stdout));
}

#[test]
fn pull_tells_where_it_is() {
    let place = Place::new();
    let told = place.told(place.command(&["pull", MODEL]));
    // Times are of the machine.
    assert!(
        told.contains("\nfetching 12 files, 22.1 MB\n") && told.contains("\n22.1 MB of 22.1 MB, "),
        "{told}"
    );
    let told = place.told(place.command(&["pull", MODEL]));
    let commit = fs::read_to_string(place.repository().join("refs/main")).unwrap();
    insta::assert_snapshot!("pull", told.replace(&commit, "COMMIT"));
    let told = place.told(place.command(&["pull", "--json", MODEL, "unet/config.json"]));
    insta::assert_snapshot!("pull_file", told.replace(&commit, "COMMIT"));
}

#[test]
fn what_is_refused() {
    let place = Place::new();
    let generate = |model: &str| place.command(&[&["generate", "--model", model], &CAT[..]].concat());
    insta::assert_snapshot!("hub_no_such_model", place.told(generate("models/tiny")));
    insta::assert_snapshot!("hub_offline", {
        let mut command = generate(MODEL);
        command.env("HF_HUB_OFFLINE", "1");
        place.told(command)
    });
    insta::assert_snapshot!("pull_no_name", place.told(place.command(&["pull", "tiny"])));
    insta::assert_snapshot!("pull_json", place.told(place.command(&["pull", "--json", "somebody/else"])));
    assert!(!place.program.path("hf").exists());
}

#[test]
#[cfg(unix)]
fn ctrl_c_leaves_a_beginning_that_the_next_run_takes_up() {
    let place = Place::new();
    // The two files of the tokenizer, and the first network.
    place.server.fail("GET STORAGE", 3, Fault::Slow(Duration::from_millis(30)));
    let child = place.command(&["pull", MODEL]).spawn().unwrap();
    while incomplete(&place.repository()).is_none_or(|size| size < 100_000) {
        sleep(Duration::from_millis(20));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let begun = incomplete(&place.repository()).unwrap();
    assert_whole(&place.repository());

    place.server.seen();
    assert!(place.command(&["pull", "--quiet", MODEL]).status().unwrap().success());
    let seen = place.server.seen().into_iter().filter(|seen| seen.line.starts_with("GET STORAGE"));
    let ranges: Vec<_> = seen.filter_map(|seen| seen.range).collect();
    assert_eq!(ranges, [format!("bytes={begun}-")]);
    assert_whole(&place.repository());
}

/// The limit on a file's size stands for a disk that fills up, as in `bad_input`.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_nothing_half() {
    let place = Place::new();
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_gligen"), "pull", "--quiet", MODEL])
        .env("HF_ENDPOINT", place.server.endpoint())
        .env("HF_HOME", place.program.path("hf"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("File too large"), "{}", text(&output.stderr));
    assert_whole(&place.repository());
    assert!(place.command(&["pull", "--quiet", MODEL]).status().unwrap().success());
    assert_whole(&place.repository());
}

/// Fifty runs, each killed at another moment of a download that takes about a second: what has a name is whole at any
/// time, and in the end the model is there.
#[test]
#[ignore = "takes a minute: cargo test -p gligen-cli --test gligen -- --ignored killed"]
#[cfg(unix)]
fn killed_at_any_moment() {
    let place = Place::new();
    let mut state = 20_261_125u32;
    let (mut killed, mut begun) = (0, 0);
    for _ in 0..50 {
        // Small pauses, so that every stage is hit: looking up, fetching, checking, naming, linking.
        place.server.fail("STORAGE", 20, Fault::Slow(Duration::from_millis(8)));
        let mut child = place.command(&["pull", "--quiet", MODEL]).spawn().unwrap();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        sleep(Duration::from_millis(u64::from(state >> 22)));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole(&place.repository());
        begun += usize::from(incomplete(&place.repository()).is_some());
        // Every few runs from the start again, so that the early stages are hit, too.
        if place.repository().join("refs/main").exists() {
            fs::remove_dir_all(place.program.path("hf")).unwrap();
        }
    }
    println!("{killed} of 50 killed, {begun} with a file begun");
    assert!(killed > 25);
    assert!(place.command(&["pull", "--quiet", MODEL]).status().unwrap().success());
    assert_whole(&place.repository());
    assert!(place.repository().join("refs/main").exists());
}

/// The size of a file that is not whole yet.
fn incomplete(repository: &Path) -> Option<u64> {
    let blobs = fs::read_dir(repository.join("blobs")).into_iter().flatten().flatten();
    let mut incomplete =
        blobs.filter(|blob| blob.file_name().to_str().is_some_and(|name| name.ends_with(".incomplete")));
    Some(incomplete.next()?.metadata().ok()?.len())
}

/// Checks that every file with a name is one of the model's, whole, and every revision a whole snapshot.
fn assert_whole(repository: &Path) {
    let model = fixtures().join("tiny-gligen");
    let originals: Vec<Vec<u8>> = files(&model).into_iter().map(|path| fs::read(path).unwrap()).collect();
    for blob in files(&repository.join("blobs")) {
        let whole = blob.extension().is_some_and(|end| end == "incomplete") || {
            let bytes = fs::read(&blob).unwrap();
            originals.contains(&bytes)
        };
        assert!(whole, "{}", blob.display());
    }
    let snapshots = repository.join("snapshots");
    for path in files(&snapshots).into_iter().filter(|path| path.extension().is_none_or(|end| end != "tmp")) {
        // Below the folder of the commit.
        let name: PathBuf = path.strip_prefix(&snapshots).unwrap().components().skip(1).collect();
        assert!(fs::read(&path).unwrap() == fs::read(model.join(name)).unwrap(), "{}", path.display());
    }
    if let Ok(commit) = fs::read_to_string(repository.join("refs/main")) {
        for part in ["unet", "vae", "text_encoder", "tokenizer", "scheduler"] {
            assert!(snapshots.join(&commit).join(part).is_dir(), "{commit}: {part}");
        }
    }
}

/// All files in `folder`, and in the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The hub's crate leans on no other of ours; what it fetches must still be what is opened.
#[test]
fn what_is_fetched_is_what_is_opened() {
    assert_eq!(gligen_hub::FILE_ENDINGS, gligen_weights::FILE_ENDINGS);
}
