//! Repainting by blending, with the small trained model: what is kept is kept, and each picture stands for itself.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_pipeline::{
    Inpaint, InpaintMode, Object, Output, Picture, Pipeline, Request, Transparency, read_picture,
};
use gligen_testkit::{devices, relative_error};
use gligen_tests::pictures;

fn draw(request: &Request) -> Output {
    draw_on(&devices()[0], request)
}

fn draw_on(device: &Device, request: &Request) -> Output {
    let pipeline = Pipeline::built_in(device).unwrap();
    pipeline.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

/// A picture of the model's own size, so that it is neither cut nor resized.
fn square() -> Picture {
    read_picture(&pictures().join("square.png"), Transparency::Ignored).unwrap()
}

fn blended(mask: Option<Picture>) -> Inpaint {
    let mut inpaint = Inpaint::new(square());
    inpaint.mask = mask;
    inpaint.mode = InpaintMode::Blend;
    inpaint
}

fn request(inpaint: Inpaint) -> Request {
    Request::new("a cat on a pink background")
        .object(Object::phrase("a cat", [0.25, 0.25, 0.75, 0.75]))
        .inpaint(inpaint)
        .steps(3)
        .seed(7)
}

#[test]
fn a_mask_that_keeps_all_returns_the_picture() {
    let black = Picture::black(128, 128).unwrap();
    let output = draw(&request(blended(Some(black))));
    assert_eq!(output.images[0].as_raw(), square().rgb());
}

#[test]
fn kept_pixels_are_the_pictures_own_outside_the_seam_and_the_box_is_repainted() {
    let output = draw(&request(blended(None)));
    let original = square();
    let (mut inside, mut outside) = (0, 0);
    for (x, y, pixel) in output.images[0].enumerate_pixels() {
        let first = (y as usize * 128 + x as usize) * 3;
        let is_same = pixel.0 == original.rgb()[first..first + 3];
        // The box in pixels is 32..96; the seam is 8 pixels wide.
        if (32..96).contains(&x) && (32..96).contains(&y) {
            inside += usize::from(!is_same);
        } else if !(24..104).contains(&x) || !(24..104).contains(&y) {
            outside += usize::from(!is_same);
        }
    }
    assert_eq!(outside, 0);
    assert!(inside > 64 * 64 / 2, "only {inside} pixels of the box are new");
}

#[test]
fn without_restoring_kept_pixels_come_from_the_autoencoder() {
    let mut inpaint = blended(None);
    inpaint.restore = false;
    let output = draw(&request(inpaint));
    assert_ne!(output.images[0].get_pixel(0, 0).0, square().rgb()[..3]);
}

/// Each picture's noise is its own, also that of its known part.
#[test]
fn alone_or_in_a_batch() {
    let mut batch = request(blended(None));
    batch.num_images = Some(2);
    let batch = draw(&batch);
    for (image, &seed) in batch.images.iter().zip(&batch.seeds) {
        assert!(*image == draw(&request(blended(None)).seed(seed)).images[0], "seed {seed}");
    }
}

/// A picture of another size is cut in its middle and resized; an all-keep mask shows exactly what was made of it.
#[test]
fn pictures_of_any_size_are_fitted() {
    let room = read_picture(&pictures().join("room.png"), Transparency::Ignored).unwrap();
    let mask = Picture::black(room.width(), room.height()).unwrap();
    let mut inpaint = Inpaint::new(room.clone());
    (inpaint.mask, inpaint.mode) = (Some(mask), InpaintMode::Blend);
    let output = draw(&request(inpaint).size(96, 48).steps(1));
    let fitted = room
        .centre_crop_to_aspect(96, 48)
        .and_then(|middle| middle.resize(96, 48, gligen_pictures::Filter::Lanczos))
        .unwrap();
    assert_eq!(output.images[0].as_raw(), fitted.rgb());
}

/// By fast paths or without: what flex draws, ndarray draws.
#[test]
fn devices_agree() {
    let mut batch = request(blended(None)).size(64, 64).steps(2);
    batch.num_images = Some(2);
    let [flex, ndarray] = [0, 1].map(|device| draw_on(&devices()[device], &batch));
    let numbers = |output: &Output| output.latents.clone().into_data().try_into_vec_as::<f32>().unwrap();
    let error = relative_error(&numbers(&ndarray), &numbers(&flex));
    println!("latents: relative error {error:.2e}");
    assert!(error < 2e-5, "{error:e}"); // as two ways to the same picture in objects.rs
    for (one, other) in flex.images.iter().zip(&ndarray.images) {
        let most = one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "a byte differs by {most:?}");
    }
}
