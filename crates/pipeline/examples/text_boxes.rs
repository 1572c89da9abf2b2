//! Phrases in boxes.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example text_boxes                # the built-in model
//! cargo run --release -p gligen-pipeline --example text_boxes -- FOLDER     # a published checkpoint
//! ```

use std::io::Write;
use std::ops::ControlFlow;

use gligen_pipeline::{Object, Pipeline, Progress, Request, device};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = device::parse("flex")?;
    let pipeline = match std::env::args_os().nth(1) {
        Some(folder) => Pipeline::load(folder.as_ref(), &device)?,
        None => Pipeline::built_in(&device)?,
    };

    // A box has the corners x0 y0 x1 y1: fractions of width and height, from the top left.
    let request = Request::new("a cat and a red apple on a light blue background")
        .object(Object::phrase("a cat", [0.05, 0.30, 0.50, 0.90]))
        .object(Object::phrase("a red apple", [0.60, 0.40, 0.90, 0.70]))
        .seed(7);

    // Whatever does not fit is found out here, before anything is computed.
    let plan = pipeline.plan(&request)?;
    println!("{}×{}, {} steps, guidance {}", plan.width, plan.height, plan.steps, plan.guidance_scale);

    // Told of every step; `Break` instead of `Continue` would end the run.
    let output = pipeline.run(&plan, |progress| {
        match progress {
            Progress::Step { step, of, .. } => print!("\rstep {step} of {of}"),
            Progress::Warning(warning) => println!("{warning}"),
            _ => {}
        }
        let _ = std::io::stdout().flush();
        ControlFlow::Continue(())
    })?;
    println!();
    output.images[0].save("cat-and-apple.png")?;
    Ok(())
}
