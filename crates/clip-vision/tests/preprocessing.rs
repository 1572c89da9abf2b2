//! Equal to the reference's preprocessing, bit for bit.

use gligen_clip_vision::{Picture, Preprocessor};
use gligen_testkit::{Fixture, devices};
use serde_json::{Map, Value};

#[test]
fn stored_cases() {
    let fixture = Fixture::open("clip_preprocessing");
    let cases: Map<String, Value> = serde_json::from_str(fixture.note("cases")).unwrap();
    let names = fixture.names();
    for (case, settings) in &cases {
        let preprocessor = Preprocessor::parse(&settings.to_string()).unwrap();
        for size in names.iter().filter(|name| !name.contains(' ')) {
            let shape = fixture.shape(size);
            let picture = Picture::new(shape[1], shape[0], fixture.bytes(size)).unwrap();
            let name = format!("{case} {size}");
            for device in devices() {
                let values = preprocessor.pixel_values(std::slice::from_ref(&picture), &device).unwrap();
                assert_eq!(values.dims()[1..], fixture.shape(&name), "{name}");
                let values: Vec<f32> = values.into_data().try_into_vec_as().unwrap();
                let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(values), bits(fixture.floats(&name)), "{name}");
            }
        }
    }
}

/// A missing key has CLIP's value, and what a whole processor is saved as says the same.
#[test]
fn all_forms_say_the_same() {
    let picture =
        Picture::new(300, 250, (0..300 * 250 * 3_u64).map(|i| (i * i % 251) as u8).collect()).unwrap();
    let values = |text: &str| -> Vec<f32> {
        let preprocessor = Preprocessor::parse(text).unwrap();
        let values = preprocessor.pixel_values(std::slice::from_ref(&picture), &devices()[0]).unwrap();
        assert_eq!(values.dims(), [1, 3, 224, 224]);
        values.into_data().try_into_vec_as().unwrap()
    };
    let default = values("{}");
    for text in [
        r#"{"size": 224, "crop_size": 224, "resample": 3, "feature_extractor_type": "CLIPFeatureExtractor"}"#,
        r#"{"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "do_convert_rgb": true,
            "image_processor_type": "CLIPImageProcessor", "rescale_factor": 0.00392156862745098}"#,
        r#"{"processor_class": "CLIPProcessor", "image_processor": {"size": {"shortest_edge": 224}}}"#,
    ] {
        assert!(values(text) == default, "{text}");
    }
}
