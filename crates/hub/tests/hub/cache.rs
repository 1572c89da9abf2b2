//! The cache: its layout, which other programs share, and who is asked when.

use std::fs;
use std::path::Path;

use gligen_hub::{Hub, Settings};

use crate::place::{MODEL, Place, go_on, model, names, paths, weights};

#[test]
fn it_is_laid_out_as_others_expect_it() {
    let place = Place::new();
    let commit = place.server.commit(MODEL, "refs/pr/2", model());
    let folder = place.model(&format!("{MODEL}@refs/pr/2")).unwrap();

    let repository = place.cache.path().join("models--somebody--boxes");
    assert_eq!(folder, repository.join("snapshots").join(&commit));
    assert_eq!(fs::read_to_string(repository.join("refs/refs/pr/2")).unwrap(), commit);
    assert_eq!(names(place.cache.path()), [".locks", "models--somebody--boxes"]);
    assert_eq!(names(&repository), ["blobs", "refs", "snapshots"]);
    for (path, bytes) in model() {
        assert_eq!(fs::read(folder.join(path)).unwrap(), bytes, "{path}");
    }
    let line = &place.lines()[0];
    assert!(line.contains("/api/models/somebody/boxes/revision/refs%2Fpr%2F2"), "{line}");
}

#[test]
#[cfg(unix)]
fn a_snapshot_is_made_of_links_that_survive_a_move() {
    let place = Place::with_model();
    let folder = place.model(MODEL).unwrap();
    let link = fs::read_link(folder.join("vae/diffusion_pytorch_model.safetensors")).unwrap();
    assert!(link.starts_with("../../../blobs"), "{}", link.display());
    assert_eq!(link.file_name().unwrap().len(), 64);
    let link = fs::read_link(folder.join("model_index.json")).unwrap();
    assert!(link.starts_with("../../blobs"), "{}", link.display());
    // What `git hash-object` says of `{}`.
    assert_eq!(link.file_name().unwrap(), "9e26dfeeb6e641a33dae4961196235bdb965b21b");
}

#[test]
fn a_model_that_is_there_needs_no_hub() {
    let place = Place::with_model();
    let first = place.model(MODEL).unwrap();
    place.lines();
    assert_eq!(place.model(MODEL).unwrap(), first);
    assert_eq!(place.lines(), [""; 0]);

    // Not even when there is a newer one, until it is asked for; and what is the same is not fetched again.
    let mut files = model();
    files[7].1 = weights(9, 40_000);
    let commit = place.server.commit(MODEL, "main", files);
    assert_eq!(place.model(MODEL).unwrap(), first);
    let newer = place.pull(MODEL).unwrap();
    assert!(newer.ends_with(commit));
    let fetched: Vec<_> = place.lines().into_iter().filter(|line| line.starts_with("GET STORAGE")).collect();
    assert_eq!(fetched.len(), 1, "{fetched:?}");
    assert_eq!(place.model(MODEL).unwrap(), newer);
    // The older one is still there by its commit.
    let older = first.file_name().unwrap().to_str().unwrap();
    assert_eq!(place.model(&format!("{MODEL}@{older}")).unwrap(), first);
}

#[test]
fn offline_the_cache_is_all_there_is() {
    let place = Place::with_model();
    let offline = Hub::new(Settings { offline: true, ..place.settings() });
    let model = |id: &str| offline.model(&id.parse().unwrap(), &mut go_on);
    insta::assert_snapshot!("offline_nothing", place.told(model(MODEL)));
    insta::assert_snapshot!("offline_pull", place.told(offline.pull(&MODEL.parse().unwrap(), &mut go_on)));

    let folder = place.model(MODEL).unwrap();
    place.lines();
    assert_eq!(model(MODEL).unwrap(), folder);
    // Another revision is not there just because one is.
    insta::assert_snapshot!("offline_revision", place.told(model(&format!("{MODEL}@other"))));
    fs::remove_file(folder.join("vae/config.json")).unwrap();
    insta::assert_snapshot!("offline_incomplete", place.told(model(MODEL)));
    assert_eq!(place.lines(), [""; 0]);
}

/// As another program may have left it: files where links cannot be, a newline after the commit, and less than a model.
#[test]
fn what_others_left_is_used() {
    let place = Place::with_model();
    let folder = place.model(MODEL).unwrap();
    let commit = folder.file_name().unwrap().to_str().unwrap().to_string();

    let other = Place { server: place.server, cache: tempfile::tempdir().unwrap() };
    let copy = other.cache.path().join("models--somebody--boxes");
    for path in paths(&folder) {
        let target = copy.join("snapshots").join(&commit).join(&path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(folder.join(&path), target).unwrap();
    }
    fs::create_dir_all(copy.join("refs")).unwrap();
    fs::write(copy.join("refs/main"), format!("{commit}\n")).unwrap();
    other.server.seen();
    let found = other.model(MODEL).unwrap();
    assert_eq!(paths(&found), paths(&folder));
    assert_eq!(other.lines(), [""; 0]);

    fs::remove_dir_all(found.join("unet")).unwrap();
    other.model(MODEL).unwrap();
    assert_eq!(paths(&found), paths(&folder));
}

#[test]
#[cfg(unix)]
fn a_cache_that_nobody_may_write_to_can_be_read() {
    let place = Place::with_model();
    let folder = place.model(MODEL).unwrap();
    let read_only = Hub::new(Settings { endpoint: "http://127.0.0.1:1".into(), ..place.settings() });
    // Root may write anywhere, so the proof is that nothing is written.
    let before = modified(place.cache.path());
    assert_eq!(read_only.model(&MODEL.parse().unwrap(), &mut go_on).unwrap(), folder);
    assert_eq!(modified(place.cache.path()), before);
}

fn modified(folder: &Path) -> Vec<std::time::SystemTime> {
    let folders = [folder.to_path_buf(), folder.join(".locks"), folder.join("models--somebody--boxes")];
    folders.iter().map(|folder| folder.metadata().unwrap().modified().unwrap()).collect()
}

#[test]
fn two_at_once_fetch_a_file_once() {
    let place = Place::with_model();
    place.server.fail(
        "GET STORAGE",
        usize::MAX,
        gligen_testkit::Fault::Slow(std::time::Duration::from_millis(5)),
    );
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| place.model(MODEL).unwrap())).collect();
        let folders: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        assert!(folders.iter().all(|folder| folder == &folders[0]));
    });
    let fetched = place.lines().into_iter().filter(|line| line.starts_with("GET STORAGE")).count();
    assert_eq!(fetched, 3);
}
