//! What a full-size model that takes pictures of objects has more than one that does not.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use gligen_clip_vision::{ClipImageEncoder, Picture};
use gligen_components::BoxError;
use gligen_pipeline::{Error, Object, Pipeline, Progress, Request};
use gligen_schedulers::SchedulerKind;
use gligen_weights::Weights;

use crate::clock::{counted, layer, peak, print};
use crate::full_size::{BOXES, PHRASES, PROMPT, show, wave};
use crate::operations;

const VISION: &str = "full size, CLIP vision: two pictures";
const STEPS: usize = 2;

/// Times the image encoder of the model in the folder `model`, and a step of its pipeline, which is one evaluation.
pub(crate) fn time(model: &Path) -> Result<(), BoxError> {
    let device = Device::flex();
    vision(model, &device)?;
    let pipeline = Pipeline::load(model, &device)?;
    print("full size, a step with phrases and pictures", "s", last_step(&pipeline)?);
    peak();
    Ok(())
}

fn vision(model: &Path, device: &Device) -> Result<(), BoxError> {
    let part = |name| model.join(name);
    let (encoder, project, processor) = (part("image_encoder"), part("image_project"), part("processor"));
    let encoder = ClipImageEncoder::load_with(encoder, project, processor, Weights::as_stored, device)?;
    let side = encoder.config().image_size;
    let pixel_values = wave([PHRASES.len(), 3, side, side], device);
    layer(VISION, || encoder.model().image_embeds(pixel_values.clone()));
    show("pictures", encoder.model().image_embeds(pixel_values));
    counted(VISION, PHRASES.len() as f64 * operations::image_encoder(encoder.config()));
    Ok(())
}

/// Seconds from the end of the last step but one to the end of the last.
fn last_step(pipeline: &Pipeline) -> Result<f64, BoxError> {
    let picture = Picture::black(224, 224).ok_or("no memory for a picture")?;
    let objects = PHRASES.iter().zip(BOXES);
    let objects = objects.map(|(phrase, place)| Object::phrase(*phrase, place).with_image(picture.clone()));
    let mut request = objects.fold(Request::new(PROMPT), Request::object).steps(STEPS);
    request.scheduler = SchedulerKind::from_class_name("DDIMScheduler");
    request.scheduled_sampling_beta = Some(1.0);

    let (mut ended, mut seconds) = (Instant::now(), 0.0);
    let drawn = pipeline.generate(&request, |progress| match progress {
        Progress::Step { step, of, .. } => {
            seconds = ended.elapsed().as_secs_f64();
            ended = Instant::now();
            // The picture is not asked for.
            if step == of { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        _ => ControlFlow::Continue(()),
    });
    match drawn {
        Err(Error::Cancelled { .. }) => Ok(seconds),
        Err(error) => Err(error.into()),
        Ok(_) => Err("the last step was not told of".into()),
    }
}
