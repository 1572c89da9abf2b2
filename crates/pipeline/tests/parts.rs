//! Parts put together, shared and exchanged.

use std::ops::ControlFlow;
use std::sync::Arc;

use burn::Tensor;
use gligen_components::{BoxError, SafetyChecker, TextEncoder, TextStates};
use gligen_pipeline::{Error, Object, Output, Parts, Picture, Pipeline, Request};
use gligen_testkit::devices;

fn draw(pipeline: &Pipeline, request: &Request) -> Output {
    pipeline.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

fn two_pictures() -> Request {
    let mut request = Request::new("a cat").object(Object::phrase("a cat", [0.1, 0.1, 0.9, 0.9])).steps(1);
    request.num_images = Some(2);
    request
}

/// Withholds every picture that is brighter than the brightness it holds.
struct Shy(f64);

fn brightness(rgb: &[u8]) -> f64 {
    rgb.iter().map(|&byte| f64::from(byte)).sum::<f64>() / rgb.len() as f64
}

impl SafetyChecker for Shy {
    fn flag(&self, pictures: &[Picture]) -> Result<Vec<bool>, BoxError> {
        Ok(pictures.iter().map(|picture| brightness(picture.rgb()) > self.0).collect())
    }
}

#[test]
fn a_picture_that_the_checker_flags_is_black() {
    let device = &devices()[0];
    let open = Pipeline::built_in(device).unwrap();
    let seen = draw(&open, &two_pictures());
    assert_eq!(seen.withheld, [false, false]);
    let levels: Vec<f64> = seen.images.iter().map(|image| brightness(image.as_raw())).collect();
    assert_ne!(levels[0], levels[1]);

    let checker = Arc::new(Shy((levels[0] + levels[1]) / 2.0));
    let parts = Parts { safety_checker: Some(checker), ..open.parts().clone() };
    let checked = draw(&Pipeline::new(parts, device).unwrap(), &two_pictures());
    for (index, &level) in levels.iter().enumerate() {
        let is_flagged = level > (levels[0] + levels[1]) / 2.0;
        assert_eq!(checked.withheld[index], is_flagged);
        if is_flagged {
            assert!(checked.images[index].as_raw().iter().all(|&byte| byte == 0));
        } else {
            assert_eq!(checked.images[index], seen.images[index]);
        }
    }
}

#[test]
fn a_pipeline_of_the_same_parts_has_the_same_networks() {
    let device = &devices()[0];
    let one = Pipeline::built_in(device).unwrap();
    let other = Pipeline::new(one.parts().clone(), device).unwrap();
    assert!(Arc::ptr_eq(&one.parts().denoiser, &other.parts().denoiser));
    assert!(Arc::ptr_eq(&one.parts().autoencoder, &other.parts().autoencoder));
    assert_eq!(draw(&one, &two_pictures()).images, draw(&other, &two_pictures()).images);
}

/// Of another width than the built-in UNet takes.
struct Wide;

impl TextEncoder for Wide {
    fn width(&self) -> usize {
        768
    }
    fn encode(&self, texts: &[String], _: usize) -> Result<TextStates, BoxError> {
        let device = &devices()[0];
        Ok(TextStates {
            hidden: Tensor::zeros([texts.len(), 77, 768], device),
            pooled: Tensor::zeros([texts.len(), 768], device),
            truncated: vec![None; texts.len()],
        })
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let device = &devices()[0];
    let parts = Pipeline::built_in(device).unwrap().parts().clone();
    let error = Pipeline::new(Parts { text_encoder: Arc::new(Wide), ..parts }, device).err().unwrap();
    assert!(matches!(error, Error::Parts(_)));
    insta::assert_snapshot!(error, @"the parts of this model do not fit together: the text encoder's states have 768 channels, the UNet takes 128");
}

/// It samples where no other is named, and a request may still name one.
#[test]
fn a_scheduler_of_ones_own() {
    let device = &devices()[0];
    let usual = Pipeline::built_in(device).unwrap();
    let ddim = usual.parts().scheduler.build("ddim".parse().ok()).unwrap();
    let own = usual.clone().with_scheduler(ddim.into());
    let request = Request::new("a cat").steps(2).seed(1);
    let mut named = request.clone();
    named.scheduler = "ddim".parse().ok();
    let expected = draw(&usual, &named).images;
    assert_ne!(draw(&usual, &request).images, expected);
    assert_eq!(draw(&own, &request).images, expected);
    named.scheduler = "euler".parse().ok();
    assert_eq!(draw(&own, &named).images, draw(&usual, &named).images);
}
