//! Whole runs against the reference's, from seed to picture.
//!
//! Latents may differ by 1e-4 relative: rounding of about 1e-6 an evaluation, which guidance multiplies and later
//! evaluations amplify. Computing the reference's runs in f64 moves its own latents by up to 3e-6. A byte of a
//! picture may differ by one where a number lies on the edge of two.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_pipeline::Pipeline;
use gligen_testkit::{Fixture, assert_close, devices};
use gligen_tests::{Case, ModelFolder};

fn load(model: &str, device: &Device) -> Pipeline {
    Pipeline::load(ModelFolder::of(model).path(), device).unwrap()
}

/// Runs every case of `model` on `device`.
fn compare(model: &str, device: &Device) {
    let stored = Fixture::open("runs");
    let pipeline = load(model, device);
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| case.model == model).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let output = pipeline.generate(&case.request(), |_| ControlFlow::Continue(())).unwrap();
        let expected = stored.tensor(&format!("{}/latents", case.name), device);
        assert_close(&case.name, output.latents, expected, 1e-4);

        let pictures: Vec<u8> = output.images.iter().flat_map(|image| image.as_raw().clone()).collect();
        let expected = stored.bytes(&format!("{}/pictures", case.name));
        assert_eq!(pictures.len(), expected.len(), "{}", case.name);
        let worst = pictures.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let different = pictures.iter().zip(&expected).filter(|(a, b)| a != b).count();
        println!("{}: {different} of {} bytes differ, by up to {worst}", case.name, pictures.len());
        assert!(worst <= 1, "{}: a byte differs by {worst}", case.name);
    }
}

#[test]
fn a_small_random_model_on_flex() {
    compare("text-box", &devices()[0]);
}

#[test]
fn a_small_random_model_on_ndarray() {
    compare("text-box", &devices()[1]);
}

#[test]
fn an_older_layout_on_flex() {
    compare("text-box-linear", &devices()[0]);
}

#[test]
fn an_older_layout_on_ndarray() {
    compare("text-box-linear", &devices()[1]);
}

#[test]
fn pictures_of_objects_on_flex() {
    compare("text-image", &devices()[0]);
}

#[test]
fn pictures_of_objects_on_ndarray() {
    compare("text-image", &devices()[1]);
}

#[test]
fn repainting_with_pictures_of_objects_on_flex() {
    compare("inpaint-text-image", &devices()[0]);
}

#[test]
fn repainting_with_pictures_of_objects_on_ndarray() {
    compare("inpaint-text-image", &devices()[1]);
}

#[test]
fn repainting_on_flex() {
    compare("inpaint", &devices()[0]);
}

#[test]
fn repainting_on_ndarray() {
    compare("inpaint", &devices()[1]);
}

/// On flex alone, for its many steps take ndarray a minute; fewer of them are compared in `repainting.rs`.
#[test]
fn the_small_trained_model() {
    compare("tiny-gligen", &devices()[0]);
}

/// What is compiled in is the model of the folder, with defaults of its own.
#[test]
fn the_model_that_is_built_in() {
    let device = &devices()[0];
    let mut request = Case::all().into_iter().find(|case| case.name == "tiny-gligen-0").unwrap().request();
    request.steps = Some(2);
    let draw = |pipeline: &Pipeline| pipeline.generate(&request, |_| ControlFlow::Continue(())).unwrap();
    let (built_in, folder) = (Pipeline::built_in(device).unwrap(), load("tiny-gligen", device));
    assert_eq!(draw(&built_in).images, draw(&folder).images);
    assert_eq!(built_in.parts().defaults.steps, 30);
    assert_eq!(folder.parts().defaults.steps, 50);
}
