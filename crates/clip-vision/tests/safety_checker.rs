//! Scores and verdicts of the reference, from folders as the first published ones.

use gligen_clip_vision::{ClipSafetyChecker, Picture, Preprocessor, SafetyChecker};
use gligen_testkit::{Fixture, devices, fixtures};
use gligen_weights::Weights;

fn part(name: &str) -> std::path::PathBuf {
    fixtures().join("models/safety-checker").join(name)
}

fn pictures(fixture: &Fixture) -> Vec<Picture> {
    let picture = |index: usize| {
        let name = format!("picture_{index}");
        let shape = fixture.shape(&name);
        Picture::new(shape[1], shape[0], fixture.bytes(&name)).unwrap()
    };
    (0..5).map(picture).collect()
}

/// The last three pictures are decided by the special concept near them, by rounding down, and by rounding up.
#[test]
fn scores_and_verdicts() {
    let fixture = Fixture::open("safety_checker");
    let pictures = pictures(&fixture);
    let config = std::fs::read_to_string(part("safety_checker/config.json")).unwrap();
    // The layout of the first ones, and that of transformers 5.
    for file in ["pytorch_model.bin", "model.safetensors"] {
        for device in devices() {
            let weights = Weights::open(&part("safety_checker").join(file)).unwrap();
            let preprocessor = Preprocessor::load(part("feature_extractor")).unwrap();
            let checker = ClipSafetyChecker::from_parts(&config, &weights, preprocessor, &device).unwrap();
            let scores = checker.scores(&pictures).unwrap();
            // Rounded as the reference's, they are the same numbers.
            let special: Vec<f32> = scores.iter().flat_map(|scores| scores.special_care.clone()).collect();
            assert_eq!(special, fixture.floats("special_scores"));
            let concepts: Vec<f32> = scores.iter().flat_map(|scores| scores.concepts.clone()).collect();
            assert_eq!(concepts, fixture.floats("concept_scores"));

            let expected: Vec<bool> = fixture.bytes("flagged").into_iter().map(|flag| flag == 1).collect();
            assert_eq!(checker.flag(&pictures).unwrap(), expected);
            assert_eq!(checker.flag(&pictures[1..3]).unwrap(), expected[1..3]);
        }
    }
}

#[test]
fn no_pictures_have_no_verdicts() {
    let checker =
        ClipSafetyChecker::load(part("safety_checker"), part("feature_extractor"), &devices()[0]).unwrap();
    assert!(checker.flag(&[]).unwrap().is_empty());
}
