//! A part of a picture, painted anew: in a box, and where a mask says.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example inpainting
//! ```

use std::ops::ControlFlow;

use gligen_pipeline::{Inpaint, InpaintMode, Object, Picture, Pipeline, Request, device};

/// The side of what the built-in model draws, in pixels.
const SIDE: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pipeline = Pipeline::built_in(&device::parse("flex")?)?;
    let draw = |request: &Request| -> Result<_, gligen_pipeline::Error> {
        Ok(pipeline.generate(request, |_| ControlFlow::Continue(()))?.images.remove(0))
    };

    let request = Request::new("a penguin and a gift on a light blue background")
        .object(Object::phrase("a penguin", [0.05, 0.25, 0.50, 0.95]))
        .object(Object::phrase("a gift", [0.55, 0.50, 0.95, 0.95]))
        .steps(15)
        .seed(3);
    let before = draw(&request)?;
    before.save("before.png")?;
    let picture = Picture::new(SIDE, SIDE, before.as_raw().clone()).ok_or("not a picture of that size")?;

    // In the boxes of the objects, if there is no mask. `Blend` does with any model; one that was trained to repaint
    // takes `Model`, and paints what fits the rest better.
    let mut inpaint = Inpaint::new(picture.clone());
    inpaint.mode = InpaintMode::Blend;
    let request = Request::new("a penguin and a watermelon on a light blue background")
        .object(Object::phrase("a watermelon", [0.55, 0.50, 0.95, 0.95]))
        .inpaint(inpaint.clone())
        .steps(15)
        .seed(1);
    let after = draw(&request)?;
    after.save("watermelon.png")?;
    // What is kept has exactly its own pixels.
    assert_eq!(after.get_pixel(20, 20), before.get_pixel(20, 20));

    // Where a mask is light: here in a disc.
    let is_in = |x: usize, y: usize| x.abs_diff(96).pow(2) + y.abs_diff(92).pow(2) < 30 * 30;
    let pixel = |at: usize| [if is_in(at % SIDE, at / SIDE) { 255 } else { 0 }; 3];
    inpaint.mask = Picture::new(SIDE, SIDE, (0..SIDE * SIDE).flat_map(pixel).collect());
    let request = Request::new("a penguin and a doughnut on a light blue background")
        .object(Object::phrase("a doughnut", [0.55, 0.50, 0.95, 0.95]))
        .inpaint(inpaint)
        .steps(15)
        .seed(1);
    draw(&request)?.save("doughnut.png")?;
    Ok(())
}
