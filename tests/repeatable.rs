//! The same request gives the same bytes again: with any number of threads, and alone or in a batch.

use std::ops::ControlFlow;

use gligen_pipeline::{Compat, Output, Pipeline, Request};
use gligen_testkit::devices;
use gligen_tests::Case;
use rayon::ThreadPoolBuilder;

fn draw(request: &Request) -> Output {
    let pipeline = Pipeline::built_in(&devices()[0]).unwrap();
    pipeline.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

fn request() -> Request {
    let mut request = Case::all().into_iter().find(|case| case.name == "tiny-gligen-1").unwrap().request();
    request.compat = Compat::None;
    request.steps(3)
}

fn numbers(output: &Output) -> Vec<f32> {
    output.latents.clone().into_data().try_into_vec_as().unwrap()
}

#[test]
fn with_any_number_of_threads() {
    let with_threads = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| numbers(&draw(&request())))
    };
    let one = with_threads(1);
    for threads in [2, 3, 7] {
        assert_eq!(with_threads(threads), one, "{threads} threads");
    }
}

/// Picture k of a request is that of its own seed, whatever else is in the batch.
#[test]
fn alone_or_in_a_batch() {
    let mut batch = request();
    batch.num_images = Some(3);
    let batch = draw(&batch);
    for (image, &seed) in batch.images.iter().zip(&batch.seeds) {
        assert!(*image == draw(&request().seed(seed)).images[0], "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_pictures() {
    assert_ne!(draw(&request().seed(1)).images, draw(&request().seed(2)).images);
}
