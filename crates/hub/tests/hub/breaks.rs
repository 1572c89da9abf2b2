//! Connections that break, servers that do not do as they should, and downloads that go on.

use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;

use gligen_hub::{Hub, HubError, Progress, Settings};
use gligen_testkit::Fault;

use crate::place::{MODEL, Place, go_on, model};

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";
/// The same file's name in the storage begins so: found by fetching it once.
const UNET_SIZE: usize = 50_000;

/// The ranges that were asked of the storage.
fn ranges(place: &Place) -> Vec<String> {
    let seen = place.server.seen().into_iter().filter(|seen| seen.line.starts_with("GET STORAGE"));
    seen.filter_map(|seen| seen.range).collect()
}

/// Checks that all files of the model are there, and nothing else.
fn assert_whole(place: &Place) {
    let folder = place.model(MODEL).unwrap();
    for (path, bytes) in model() {
        assert!(fs::read(folder.join(path)).unwrap() == bytes, "{path}");
    }
    assert!(place.blobs().iter().all(|name| !name.contains('.')), "{:?}", place.blobs());
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let place = Place::with_model();
    place.server.fail("GET STORAGE", 4, Fault::Cut(7_000));
    assert_whole(&place);
    assert_eq!(ranges(&place), ["bytes=7000-", "bytes=7000-", "bytes=14000-"]);
}

#[test]
fn as_long_as_something_comes_it_goes_on() {
    let place = Place::with_model();
    // Far more breaks than failures in a row are allowed.
    place.server.fail("GET STORAGE", 40, Fault::Cut(1_500));
    assert_whole(&place);
}

#[test]
fn a_run_that_gives_up_leaves_a_beginning_for_the_next() {
    let place = Place::with_model();
    let impatient = Hub::new(Settings { retries: 0, ..place.settings() });
    place.server.fail("GET STORAGE", 1, Fault::Cut(7_000));
    let error = impatient.model(&MODEL.parse().unwrap(), &mut go_on).unwrap_err();
    assert!(matches!(error, HubError::Network { .. }), "{error}");
    let unfinished: Vec<_> = place.blobs().into_iter().filter(|name| name.ends_with(".incomplete")).collect();
    assert_eq!(unfinished.len(), 1);
    assert!(!place.cache.path().join("models--somebody--boxes/refs").exists());
    assert!(!place.cache.path().join("models--somebody--boxes/snapshots").exists());

    place.server.seen();
    assert_whole(&place);
    assert_eq!(ranges(&place), ["bytes=7000-"]);
}

#[test]
fn a_server_that_gives_no_parts_is_taken_from_the_start() {
    let place = Place::with_model();
    place.server.fail("GET STORAGE", 1, Fault::Cut(7_000));
    place.server.fail("GET STORAGE", 1, Fault::NoRanges);
    assert_whole(&place);
}

#[test]
fn a_beginning_that_is_damaged_or_too_long_is_thrown_away() {
    for length in [0, 1, UNET_SIZE - 1, UNET_SIZE, UNET_SIZE + 1] {
        let place = Place::with_model();
        let unet = fs::read_link(place.model(MODEL).unwrap().join(UNET)).unwrap();
        let repository = place.cache.path().join("models--somebody--boxes");
        let blob = repository.join("blobs").join(unet.file_name().unwrap());
        fs::remove_file(&blob).unwrap();
        fs::write(blob.with_added_extension("incomplete"), vec![0; length]).unwrap();
        assert_whole(&place);
    }
}

#[test]
fn what_comes_damaged_is_not_kept() {
    let place = Place::with_model();
    place.server.fail("GET STORAGE", usize::MAX, Fault::Flip);
    let error = place.model(MODEL).unwrap_err();
    assert!(
        matches!(&error, HubError::Checksum { file, .. } if file == "text_encoder/model.safetensors"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("nothing of it was kept"));
    assert!(place.blobs().iter().all(|name| name.len() == 40), "{:?}", place.blobs());

    // Small files are checked as well.
    let place = Place::with_model();
    place.server.fail("GET /somebody/boxes/resolve/", 1, Fault::Flip);
    let error = place.model(MODEL).unwrap_err();
    assert!(matches!(&error, HubError::Checksum { .. }), "{error}");
    assert_eq!(place.blobs(), [""; 0]);
    assert_whole(&place);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let place = Place::with_model();
    place.server.fail("/api/models/", 2, Fault::Status(503, ""));
    place.server.fail("HEAD ", 1, Fault::Status(429, "Retry-After: 0\r\n"));
    place.server.fail("GET STORAGE", 1, Fault::Status(500, ""));
    let mut retries = 0;
    let folder = place.hub().model(&MODEL.parse().unwrap(), &mut |progress| {
        retries += usize::from(matches!(progress, Progress::Retry { .. }));
        ControlFlow::Continue(())
    });
    folder.unwrap();
    assert_eq!(retries, 4);
    assert_whole(&place);
}

#[test]
fn a_silent_server_is_not_waited_for_forever() {
    let place = Place::with_model();
    place.server.fail("GET STORAGE", 1, Fault::Slow(Duration::from_secs(5)));
    let hub = Hub::new(Settings { timeout: Duration::from_millis(300), ..place.settings() });
    hub.model(&MODEL.parse().unwrap(), &mut go_on).unwrap();
    assert_whole(&place);
}

#[test]
fn whoever_watches_can_stop_it() {
    let place = Place::with_model();
    let mut stop_in_the_middle = |progress: Progress<'_>| match progress {
        Progress::Bytes { file: UNET, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = place.hub().model(&MODEL.parse().unwrap(), &mut stop_in_the_middle).unwrap_err();
    assert!(matches!(error, HubError::Cancelled), "{error}");
    assert_eq!(place.blobs().iter().filter(|name| name.ends_with(".incomplete")).count(), 1);
    assert_whole(&place);
}

#[test]
fn progress_ends_at_what_was_announced() {
    let place = Place::with_model();
    let (mut announced, mut files, mut last) = ((0, 0), 0, 0);
    let folder = place.hub().model(&MODEL.parse().unwrap(), &mut |progress| {
        match progress {
            Progress::Start { files, bytes } => announced = (files, bytes),
            Progress::Bytes { done, .. } => last = done,
            Progress::File { .. } => files += 1,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    folder.unwrap();
    let bytes: usize = model().iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(announced, (10, bytes as u64));
    assert_eq!((files, last), (10, bytes as u64));
}
