//! The default picture of the built-in model, over and over in one process.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_components::BoxError;
use gligen_pipeline::{Object, Pipeline, Request};

use crate::clock::layer;
use crate::full_size::{BOXES, PHRASES, PROMPT};

/// Times all of a picture that is not loading.
pub(crate) fn time() -> Result<(), BoxError> {
    let pipeline = Pipeline::built_in(&Device::flex())?;
    let objects = PHRASES.iter().zip(BOXES).map(|(phrase, place)| Object::phrase(*phrase, place));
    let request = objects.fold(Request::new(PROMPT), Request::object);
    let draw = || pipeline.generate(&request, |_| ControlFlow::Continue(()));
    draw()?;
    layer("built-in model, 30 steps, inside one process", draw);
    Ok(())
}
