//! What objects do to a picture, and what they must not do, with the small trained model.

use std::ops::ControlFlow;

use gligen_pipeline::{Object, Output, Pipeline, Request};
use gligen_testkit::{devices, relative_error};
use proptest::prelude::*;

fn draw(request: &Request) -> Output {
    let pipeline = Pipeline::built_in(&devices()[0]).unwrap();
    pipeline.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

fn numbers(output: &Output) -> Vec<f32> {
    output.latents.clone().into_data().try_into_vec_as().unwrap()
}

fn request(objects: Vec<Vec<Object>>) -> Request {
    let mut request = Request::new("a cat and a red apple on a light blue background").steps(2).seed(3);
    request.objects = objects;
    request
}

fn cat() -> Object {
    Object::phrase("a cat", [0.05, 0.30, 0.50, 0.90])
}

fn apple() -> Object {
    Object::phrase("a red apple", [0.60, 0.40, 0.90, 0.70])
}

/// Each caption of a batch may have objects of its own, and its picture is the one that it would be alone.
#[test]
fn captions_with_objects_of_their_own() {
    let mut batch = request(vec![vec![cat()], vec![], vec![apple(), cat()]]);
    batch.prompts = ["a cat on a pink background", "a dog", "a red apple and a cat"].map(String::from).into();
    batch.num_images = Some(2);
    let together = draw(&batch);
    for (prompt, objects) in batch.objects.iter().enumerate() {
        for image in 0..2 {
            let index = prompt * 2 + image;
            let mut alone = request(vec![objects.clone()]).seed(3 + index as u64);
            alone.prompts = vec![batch.prompts[prompt].clone()];
            assert!(draw(&alone).images[0] == together.images[index], "picture {index}");
        }
    }
}

/// How far apart two ways to the same picture may end. Measured: at most 1.2e-5 on the CPU's fast path, whose 3×3
/// convolutions round by 1.7e-6 each.
const ROUNDING: f64 = 4e-5;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// The slots have no order: swapping two objects changes the picture by rounding alone.
    #[test]
    fn swapping_objects_swaps_nothing_else(
        corners in prop::array::uniform2((0.0..0.5f64, 0.0..0.5f64, 0.5..1.0f64, 0.5..1.0f64)),
        seed in any::<u32>(),
    ) {
        let [a, b] = corners.map(|(x0, y0, x1, y1)| [x0, y0, x1, y1]);
        let objects = [Object::phrase("a cat", a), Object::phrase("a dog", b), apple()];
        let [first, second, third] = objects;
        let one = request(vec![vec![first.clone(), second.clone(), third.clone()]]).seed(seed.into());
        let other = request(vec![vec![third, second, first]]).seed(seed.into());
        let error = relative_error(&numbers(&draw(&one)), &numbers(&draw(&other)));
        prop_assert!(error < ROUNDING, "{error}");
        // They do count: without them it is another picture.
        let none = relative_error(&numbers(&draw(&one)), &numbers(&draw(&request(vec![]).seed(seed.into()))));
        prop_assert!(none > 1e-3, "{none}");
    }

    /// An object of which nothing counts is no object.
    #[test]
    fn masks_of_zero_equal_no_objects(
        (x0, y0, x1, y1) in (0.0..0.5f64, 0.0..0.5f64, 0.5..1.0f64, 0.5..1.0f64),
        seed in any::<u32>(),
    ) {
        let nothing = Object::phrase("a cat", [x0, y0, x1, y1]).with_masks(0.0, 0.0);
        let with = draw(&request(vec![vec![nothing, apple()]]).seed(seed.into()));
        let without = draw(&request(vec![vec![apple()]]).seed(seed.into()));
        let error = relative_error(&numbers(&with), &numbers(&without));
        prop_assert!(error < ROUNDING, "{error}");
    }
}
