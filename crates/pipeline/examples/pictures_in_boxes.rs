//! Objects that look like pictures.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example pictures_in_boxes -- FOLDER
//! ```
//!
//! `FOLDER` is a GLIGEN checkpoint for text and images. Left out, it is a tiny one of the tests: it has never been
//! trained, so that what it draws is noise.

use std::ops::ControlFlow;
use std::path::Path;

use gligen_pipeline::{Object, Pipeline, Request, Transparency, device, read_picture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"));
    let folder = std::env::args_os().nth(1).map_or(fixtures.join("models/text-image"), Into::into);
    let pipeline = Pipeline::load(&folder, &device::parse("flex")?)?;

    // PNG, JPEG or WebP; CLIP looks at its middle, with white behind what is transparent.
    let picture = |name| read_picture(&fixtures.join("pictures").join(name), Transparency::OverWhite);

    let mut request = Request::new("a cat and an apple on a table")
        // A picture alone.
        .object(Object::image(picture("cat.png")?, [0.05, 0.30, 0.50, 0.90]))
        // A phrase and a picture, which counts half.
        .object(
            Object::phrase("a red apple", [0.60, 0.40, 0.90, 0.70])
                .with_image(picture("apple.png")?)
                .with_masks(1.0, 0.5),
        )
        // A style: a picture in a box without area.
        .object(Object::image(picture("flower.png")?, [0.0, 1.0, 0.0, 1.0]))
        .steps(20)
        .seed(7);
    // A picture says more than a phrase, so that it need not count in every step.
    request.scheduled_sampling_beta = Some(0.5);

    let output = pipeline.generate(&request, |_| ControlFlow::Continue(()))?;
    output.images[0].save("pictures-in-boxes.png")?;
    Ok(())
}
