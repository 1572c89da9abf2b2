//! What holds for every picture and every size.

use gligen_pictures::{Filter, Picture};
use proptest::prelude::*;

fn pictures() -> impl Strategy<Value = Picture> {
    let sides = prop_oneof![(1..40_usize, 1..40_usize), (Just(1), 1..200_usize), (1..200_usize, Just(1))];
    sides.prop_flat_map(|(width, height)| {
        prop::collection::vec(any::<u8>(), 3 * width * height)
            .prop_map(move |rgb| Picture::new(width, height, rgb).expect("a picture"))
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    prop_oneof![Just(Filter::Bilinear), Just(Filter::Bicubic), Just(Filter::Lanczos)]
}

/// Most of them reasonable.
fn sides() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..60_usize, 1 => Just(0), 1 => Just(usize::MAX)]
}

proptest! {
    // Failures are written into tests by hand, not into files beside them.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn has_the_size_asked_for(picture in pictures(), width in sides(), height in sides(), filter in filters()) {
        let resized = picture.resize(width, height, filter);
        if [width, height].iter().any(|side| [0, usize::MAX].contains(side)) {
            prop_assert_eq!(resized, None);
        } else {
            let resized = resized.expect("memory");
            prop_assert_eq!((resized.width(), resized.height()), (width, height));
        }
    }

    #[test]
    fn same_size_is_the_same(picture in pictures(), filter in filters()) {
        prop_assert_eq!(picture.resize(picture.width(), picture.height(), filter), Some(picture));
    }

    /// The weights of a sum are 1 together, whatever is left of them at an edge; and a sum of the largest bytes fits.
    #[test]
    fn one_colour_stays(
        (width, height) in (1..300_usize, 1..300_usize),
        (to_width, to_height) in (1..40_usize, 1..40_usize),
        colour in prop_oneof![Just([0; 3]), Just([255; 3]), any::<[u8; 3]>()],
        filter in filters(),
    ) {
        let picture = Picture::new(width, height, colour.repeat(width * height)).expect("a picture");
        for (width, height) in [(to_width, to_height), (width, to_height), (to_width, height)] {
            let resized = picture.resize(width, height, filter).expect("memory");
            prop_assert!(resized.rgb().chunks(3).all(|pixel| pixel == colour), "{:?}", resized.rgb());
        }
    }

    #[test]
    fn a_part_is_a_crop_of_the_whole(
        picture in pictures(),
        (width, left, right) in (1..60_usize, 0..60_usize, 0..60_usize),
        (height, top, bottom) in (1..60_usize, 0..60_usize, 0..60_usize),
        filter in filters(),
    ) {
        let part = picture.resize_part((width, height), filter, left..right, top..bottom);
        let inside = left < right && right <= width && top < bottom && bottom <= height;
        let whole = picture.resize(width, height, filter).expect("memory");
        let crop = whole.crop(left as isize, top as isize, right.saturating_sub(left), bottom.saturating_sub(top));
        prop_assert_eq!(part, if inside { crop } else { None });
    }

    #[test]
    fn crops_are_where_they_should_be(
        picture in pictures(),
        (left, top) in prop_oneof![8 => (-30..60_isize, -30..60_isize), 1 => (any::<isize>(), any::<isize>())],
        (width, height) in (1..50_usize, 1..50_usize),
    ) {
        let crop = picture.crop(left, top, width, height).expect("memory");
        prop_assert_eq!((crop.width(), crop.height()), (width, height));
        for (index, pixel) in crop.rgb().chunks(3).enumerate() {
            let x = left.checked_add_unsigned(index % width).and_then(|x| usize::try_from(x).ok());
            let y = top.checked_add_unsigned(index / width).and_then(|y| usize::try_from(y).ok());
            let inside = |side: usize| move |at: &usize| *at < side;
            let expected = match (x.filter(inside(picture.width())), y.filter(inside(picture.height()))) {
                (Some(x), Some(y)) => &picture.rgb()[3 * (y * picture.width() + x)..][..3],
                _ => &[0; 3],
            };
            prop_assert_eq!(pixel, expected);
        }
    }

    /// In the middle to half a pixel, one side whole, and the other a pixel off the aspect at most.
    #[test]
    fn centre_crops_have_the_aspect(picture in pictures(), width in sides(), height in sides()) {
        let Some(crop) = picture.centre_crop_to_aspect(width, height) else {
            prop_assert!(width == 0 || height == 0);
            return Ok(());
        };
        let scale = (picture.width() as f64 / width as f64).min(picture.height() as f64 / height as f64);
        for (side, exact) in [(crop.width(), scale * width as f64), (crop.height(), scale * height as f64)] {
            prop_assert!((side as f64 - exact).abs() <= 1.0 + 1e-9, "{side} for {exact}");
        }
        prop_assert!(crop.width() == picture.width() || crop.height() == picture.height());
    }
}

/// The middle, and not a corner.
#[test]
fn centre_crops_are_in_the_middle() {
    let columns = Picture::new(5, 1, (0..5).flat_map(|x| [x; 3]).collect()).expect("a picture");
    assert_eq!(columns.centre_crop_to_aspect(1, 1).expect("a picture").rgb(), [2; 3]);
    assert_eq!(columns.centre_crop_to_aspect(3, 1).expect("a picture").rgb(), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    // Both edges of the middle pixel are halfway between two: Pillow would be left with nothing.
    let column = Picture::new(1, 4, (0..4).flat_map(|y| [y; 3]).collect()).expect("a picture");
    assert_eq!(column.centre_crop_to_aspect(1, 1).expect("a picture").rgb(), [2; 3]);
}

/// Sides of a billion pixels, of which only the middle is asked for.
#[test]
fn long_pictures_are_cheap() {
    let square = Picture::new(224, 224, vec![7; 3 * 224 * 224]);
    let part = 559_999_888..560_000_112;
    let column = Picture::new(1, 5_000_000, vec![7; 15_000_000]).expect("a picture");
    assert_eq!(column.resize_part((224, 1_120_000_000), Filter::Bicubic, 0..224, part.clone()), square);
    let row = Picture::new(5_000_000, 1, vec![7; 15_000_000]).expect("a picture");
    assert_eq!(row.resize_part((1_120_000_000, 224), Filter::Bicubic, part, 0..224), square);
}
