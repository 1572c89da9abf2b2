//! What holds for every picture.

use gligen_clip_vision::{Picture, Preprocessor};
use gligen_testkit::devices;
use proptest::prelude::*;

fn pictures() -> impl Strategy<Value = Picture> {
    let sides = prop_oneof![(1..40_usize, 1..40_usize), (Just(1), 1..3000_usize), (1..3000_usize, Just(1))];
    sides.prop_flat_map(|(width, height)| {
        prop::collection::vec(any::<u8>(), 3 * width * height)
            .prop_map(move |rgb| Picture::new(width, height, rgb).expect("a picture"))
    })
}

proptest! {
    // Failures are written into tests by hand, not into files beside them.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn comes_out_in_the_size_and_range(picture in pictures(), size in 1..20_usize, crop in 1..20_usize) {
        let text = format!(r#"{{"size": {size}, "crop_size": {crop}}}"#);
        let preprocessor = Preprocessor::parse(&text).unwrap();
        let values = preprocessor.pixel_values(&[picture], &devices()[0]).unwrap();
        prop_assert_eq!(values.dims(), [1, 3, crop, crop]);
        let values: Vec<f32> = values.into_data().try_into_vec_as().unwrap();
        prop_assert!(values.iter().all(|value| (-1.8..2.2).contains(value)));
    }

    /// An error or a preprocessor, never a panic.
    #[test]
    fn any_settings(
        key in "size|crop_size|do_center_crop|do_resize|resample|image_mean|image_std|rescale_factor|image_processor",
        value in r#"-?[0-9]{1,20}|true|null|\[[0-9],[0-9]\]|"[a-z]"|\{"(height|width|shortest_edge)":(-?[0-9]{1,3}|null)\}"#,
    ) {
        if let Ok(preprocessor) = Preprocessor::parse(&format!(r#"{{"size": 9, "crop_size": 9, "{key}": {value}}}"#)) {
            let picture = Picture::new(3, 2, vec![7; 18]).expect("a picture");
            let _ = preprocessor.pixel_values(&[picture], &devices()[0]);
        }
    }
}

/// The middle of a resized line is made alone.
#[test]
fn long_pictures_are_cheap() {
    let line = Picture::new(1, 100_000, vec![9; 300_000]).expect("a picture");
    let values = Preprocessor::parse("{}").unwrap().pixel_values(&[line], &devices()[0]).unwrap();
    assert_eq!(values.dims(), [1, 3, 224, 224]);
}
