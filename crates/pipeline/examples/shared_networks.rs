//! One set of loaded networks in several pipelines: text in boxes, the caption alone, and repainting.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example shared_networks
//! ```
//!
//! A pipeline is a handful of shared parts. Another one made of the same parts copies no weights; here the second takes
//! other defaults and another scheduler of its own.

use std::ops::ControlFlow;
use std::sync::Arc;

use gligen_pipeline::{Defaults, Inpaint, InpaintMode, Object, Parts, Picture, Pipeline, Request, device};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = device::parse("flex")?;
    let boxes = Pipeline::built_in(&device)?;
    let mut scheduler = boxes.parts().scheduler.clone();
    scheduler.class_name = Some("EulerDiscreteScheduler".into());
    let defaults = Defaults { steps: 12, ..boxes.parts().defaults };
    let quick = Pipeline::new(Parts { scheduler, defaults, ..boxes.parts().clone() }, &device)?;
    assert!(Arc::ptr_eq(&boxes.parts().denoiser, &quick.parts().denoiser));

    // Text in boxes.
    let request = Request::new("a rocket and a star on a black background")
        .object(Object::phrase("a rocket", [0.1, 0.1, 0.5, 0.5]))
        .object(Object::phrase("a star", [0.65, 0.1, 0.9, 0.35]))
        .seed(1);
    let drawn = boxes.generate(&request, |_| ControlFlow::Continue(()))?.images.remove(0);
    drawn.save("rocket.png")?;

    // The caption alone, with the other pipeline's own scheduler and steps.
    let plain = Request::new("a cat on a pink background").seed(2);
    assert_eq!(quick.plan(&plain)?.steps, 12);
    quick.generate(&plain, |_| ControlFlow::Continue(()))?.images[0].save("cat.png")?;

    // The first picture again, with a house painted into it.
    let (width, height) = (drawn.width() as usize, drawn.height() as usize);
    let mut inpaint = Inpaint::new(Picture::new(width, height, drawn.into_raw()).ok_or("an empty picture")?);
    inpaint.mode = InpaintMode::Blend;
    let request = Request::new("a rocket, a star and a house on a black background")
        .object(Object::phrase("a house", [0.5, 0.55, 0.95, 0.95]))
        .inpaint(inpaint)
        .seed(3);
    boxes.generate(&request, |_| ControlFlow::Continue(()))?.images[0].save("rocket-and-house.png")?;
    Ok(())
}
