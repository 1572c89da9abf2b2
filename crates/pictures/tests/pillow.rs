//! Equal to Pillow's pictures, byte for byte.

use gligen_pictures::{Filter, Picture};
use gligen_testkit::Fixture;

/// Every stored case; its name says what to do with which stored picture.
#[test]
fn stored_cases() {
    let fixture = Fixture::open("pictures");
    let picture = |name: &str| {
        let shape = fixture.shape(name);
        Picture::new(shape[1], shape[0], fixture.bytes(name)).expect("a stored picture")
    };
    let mut done = [0; 3];
    for name in fixture.names() {
        let words: Vec<&str> = name.split(' ').collect();
        let result = match words[..] {
            [_source] => continue,
            ["square", source] => picture(source).centre_crop_to_aspect(3, 3),
            ["square", source, "to", to] => {
                let (width, height) = numbers(to, 'x');
                let square = picture(source).centre_crop_to_aspect(width, height);
                square.and_then(|square| square.resize(width, height, Filter::Lanczos))
            }
            ["crop", source, "at", corner, size] => {
                let ((left, top), (width, height)) = (numbers(corner, ','), numbers(size, 'x'));
                picture(source).crop(left, top, width, height)
            }
            [filter, source, "to", to] => {
                let (width, height) = numbers(to, 'x');
                picture(source).resize(width, height, filter_named(filter))
            }
            _ => panic!("{name}"),
        };
        let kind = ["square", "crop"].iter().position(|kind| words[0] == *kind).unwrap_or(2);
        done[kind] += 1;
        let (result, expected) = (result.expect(&name), picture(&name));
        assert_eq!(result, expected, "{name}");
        assert_eq!(result.rgb(), expected.rgb(), "{name}");
    }
    assert_eq!(done, [20, 6, 36], "squares, crops, resizes");
}

/// Grey pictures of `37 x + 91 y`, small enough to be checked by eye.
#[test]
fn small_vectors() {
    let vector = |from: (usize, usize), to: (usize, usize), filter| {
        let grey = (0..from.1).flat_map(|y| (0..from.0).map(move |x| ((37 * x + 91 * y) % 256) as u8));
        let rgb = grey.flat_map(|value| [value; 3]).collect();
        let picture = Picture::new(from.0, from.1, rgb).expect("a picture");
        let resized = picture.resize(to.0, to.1, filter).expect("a picture");
        resized.rgb().chunks(3).map(|pixel| pixel[0]).collect::<Vec<_>>()
    };
    assert_eq!(
        vector((7, 7), (4, 4), Filter::Bicubic),
        [61, 120, 164, 128, 135, 83, 119, 141, 115, 142, 93, 122, 128, 92, 138, 117]
    );
    assert_eq!(vector((7, 7), (4, 4), Filter::Lanczos)[..4], [65, 123, 162, 121]);
    // The height first: else it would have 120 and 112 in place of 121 and 113.
    assert_eq!(
        vector((4, 12), (3, 5), Filter::Bicubic),
        [86, 104, 121, 113, 115, 116, 129, 129, 128, 147, 147, 140, 141, 113, 164]
    );
}

fn filter_named(name: &str) -> Filter {
    match name {
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "lanczos" => Filter::Lanczos,
        _ => panic!("{name}"),
    }
}

/// Two numbers with `between` between them.
fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str, between: char) -> (T, T) {
    let (first, second) = text.split_once(between).expect(text);
    (first.parse().expect(text), second.parse().expect(text))
}
