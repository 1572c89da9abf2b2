//! Files of pictures: every kind that users have, and what is refused.

use std::path::PathBuf;

use gligen_pipeline::{Picture, PictureError, Transparency, read_picture};
use gligen_testkit::fixtures;
use proptest::prelude::*;

fn file(name: &str) -> PathBuf {
    fixtures().join("picture_files").join(name)
}

fn read(name: &str, transparency: Transparency) -> Picture {
    read_picture(&file(name), transparency).unwrap()
}

/// The pixels in the middle of the left half and of the right one.
fn halves(picture: &Picture) -> [[u8; 3]; 2] {
    assert_eq!((picture.width(), picture.height()), (16, 8));
    [4, 12].map(|x| std::array::from_fn(|channel| picture.rgb()[(4 * 16 + x) * 3 + channel]))
}

fn assert_near(name: &str, found: [[u8; 3]; 2], expected: [[u8; 3]; 2], tolerance: u8) {
    let worst = found.iter().flatten().zip(expected.iter().flatten()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst.unwrap() <= tolerance, "{name}: {found:?}, expected {expected:?}");
}

const RED: [u8; 3] = [200, 40, 40];
const BLUE: [u8; 3] = [40, 40, 200];
/// Their luma, as greys.
const GREYS: [[u8; 3]; 2] = [[88; 3], [58; 3]];

#[test]
fn every_kind_is_read() {
    // Lossless files give their colours; JPEG's come near.
    for (name, colours, tolerance) in [
        ("rgb.png", [RED, BLUE], 0),
        ("palette.png", [RED, BLUE], 0),
        ("grey.png", GREYS, 0),
        ("grey_16.png", GREYS, 0),
        ("rgb.jpg", [RED, BLUE], 4),
        ("progressive.jpg", [RED, BLUE], 4),
        ("grey.jpg", GREYS, 2),
        ("cmyk.jpg", [RED, BLUE], 4),
        ("animated.webp", [RED, BLUE], 0),
        ("animated.png", [RED, BLUE], 0),
    ] {
        assert_near(name, halves(&read(name, Transparency::OverWhite)), colours, tolerance);
    }
}

#[test]
fn a_picture_that_lies_on_its_side_is_turned_upright() {
    assert_near("turned.jpg", halves(&read("turned.jpg", Transparency::Ignored)), [RED, BLUE], 4);
}

#[test]
fn what_is_transparent_lets_white_through_or_shows_its_colour_or_is_the_picture() {
    for (name, over_white, alone) in
        [("clear.png", [255; 3], [255; 3]), ("half_clear.webp", [147, 147, 227], [127; 3])]
    {
        assert_eq!(halves(&read(name, Transparency::OverWhite)), [RED, over_white], "{name}");
        assert_eq!(halves(&read(name, Transparency::Ignored)), [RED, BLUE], "{name}");
        assert_eq!(halves(&read(name, Transparency::Alone)), [[0; 3], alone], "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let names = ["nowhere.png", "empty.png", "truncated.png", "huge.png", "animated.gif"];
    let told = names.map(|name| {
        let error = read_picture(&file(name), Transparency::Ignored).unwrap_err();
        error.to_string().replace(&fixtures().join("picture_files").display().to_string(), "FOLDER")
    });
    insta::assert_snapshot!(told.join("\n"));
}

/// By what its header says, before memory is taken for its pixels.
#[test]
fn a_huge_picture_is_refused_by_its_size() {
    let error = read_picture(&file("huge.png"), Transparency::Ignored).unwrap_err();
    assert!(matches!(error, PictureError::Size { width: 100_000, height: 100_000, .. }), "{error}");
}

proptest! {
    #[test]
    fn mangled_files_never_panic(
        name in prop::sample::select(vec!["rgb.png", "cmyk.jpg", "turned.jpg", "half_clear.webp", "animated.png"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = std::fs::read(file(name)).unwrap();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mangled");
        std::fs::write(&path, bytes).unwrap();
        let _ = read_picture(&path, Transparency::OverWhite);
    }
}
