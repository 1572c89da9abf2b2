//! The stages of a full-size model at its own size: what a picture's time goes to.

use std::path::Path;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};
use gligen_clip_text::ClipTextConfig;
use gligen_components::{BoxError, Conditioning, Grounding, SlotFeatures};
use gligen_pipeline::{LoadOptions, Memory, ModelDir};
use gligen_unet::UNetConfig;
use gligen_vae::AutoencoderKlConfig;

use crate::clock::{counted, layer, peak, stage};
use crate::operations;

pub(crate) const PROMPT: &str = "a cat and a red apple on a light blue background";
pub(crate) const PHRASES: [&str; 2] = ["a cat", "a red apple"];
pub(crate) const BOXES: [[f64; 4]; 2] = [[0.05, 0.30, 0.50, 0.90], [0.60, 0.40, 0.90, 0.70]];
/// Objects that the published models have room for.
const SLOTS: usize = 30;

/// The timed rows whose multiplications are counted.
const TEXT: &str = "full size, text: two captions, two phrases";
const STEP: &str = "full size, UNet step, fusers on";
const PLAIN_STEP: &str = "full size, UNet step, fusers off";
const SMALL_STEP: &str = "full size, UNet step of half the side, fusers on";
const DECODE: &str = "full size, decode";

/// Loads the model in the folder `model` into as much memory as `memory` says and times its stages, with the caption and
/// without it at once as guidance needs them.
pub(crate) fn time(model: &Path, memory: Memory) -> Result<(), BoxError> {
    let device = Device::flex();
    let model = ModelDir::open(model)?;
    let mut options = LoadOptions::default();
    options.memory = memory;
    let pipeline = stage("full size, load", || model.load(options, &device))?;
    let parts = pipeline.parts();
    let encode = || -> Result<_, BoxError> {
        let captions = parts.text_encoder.encode(&[String::new(), PROMPT.into()], 0)?;
        let phrases = parts.text_encoder.encode(&PHRASES.map(String::from), 0)?;
        Ok((captions.hidden, phrases.pooled))
    };
    let (captions, phrases) = encode()?;
    layer(TEXT, encode);

    show("captions", captions.clone());
    show("phrases", phrases.clone());
    let grounding = grounding(phrases, &device);
    let conditioning = Conditioning { encoder_hidden_states: captions, grounding: Some(grounding) };
    let side = parts.denoiser.sample_size();
    let latents = wave([2, parts.denoiser.in_channels(), side, side], &device);
    // What is computed once per generation is counted to the first step.
    let (mut run, prediction) = stage("full size, first UNet step, fusers on", || -> Result<_, BoxError> {
        let mut run = parts.denoiser.begin(&conditioning)?;
        let prediction = run.predict(latents.clone(), 981.0, 1.0)?;
        Ok((run, prediction))
    })?;
    show("prediction, fusers on", prediction);
    stage(STEP, || run.predict(latents.clone(), 981.0, 1.0))?;
    let prediction = stage(PLAIN_STEP, || run.predict(latents.clone(), 981.0, 0.0))?;
    show("prediction, fusers off", prediction);
    let small = latents.clone().narrow(2, 0, side / 2).narrow(3, 0, side / 2);
    run.predict(small.clone(), 981.0, 1.0)?;
    stage(SMALL_STEP, || run.predict(small, 981.0, 1.0))?;
    drop(run);
    let picture = stage(DECODE, || parts.autoencoder.decode(latents.narrow(0, 0, 1)))?;
    show("picture", picture);

    count(&model, side)?;
    peak();
    Ok(())
}

/// Tells the multiplications of what was timed.
fn count(model: &ModelDir, side: usize) -> Result<(), BoxError> {
    let config = |part| model.text(part, "config.json");
    let unet = UNetConfig::from_json(&config("unet")?)?;
    counted(
        TEXT,
        4.0 * operations::text_encoder(&ClipTextConfig::parse(config("text_encoder")?.as_bytes())?),
    );
    counted(STEP, 2.0 * operations::unet(&unet, side, true));
    counted(PLAIN_STEP, 2.0 * operations::unet(&unet, side, false));
    counted(SMALL_STEP, 2.0 * operations::unet(&unet, side / 2, true));
    counted(DECODE, operations::decoder(&AutoencoderKlConfig::from_json(&config("vae")?)?, side));
    Ok(())
}

/// Two objects in the second of two samples, none in the first, whose phrases a mask of 0 makes null.
fn grounding(phrases: Tensor<2>, device: &Device) -> Grounding {
    let [count, width] = phrases.dims();
    let mut boxes: Vec<f32> = BOXES.as_flattened().iter().map(|&x| x as f32).collect();
    boxes.resize(SLOTS * 4, 0.0);
    let boxes = Tensor::<3>::from_data(TensorData::new(boxes, [1, SLOTS, 4]), (device, DType::F32));
    let empty = Tensor::zeros([1, SLOTS - count, width], (device, DType::F32));
    let embeddings = Tensor::cat(vec![phrases.unsqueeze(), empty], 1).repeat_dim(0, 2);
    in_slots(boxes.repeat_dim(0, 2), embeddings, |sample, slot| sample == 1 && slot < count)
}

/// Objects that phrases describe, `boxes`: `[samples, SLOTS, 4]`, `embeddings`: `[samples, SLOTS, width]`, in the slots
/// of each sample that are `taken`.
fn in_slots(boxes: Tensor<3>, embeddings: Tensor<3>, taken: impl Fn(usize, usize) -> bool) -> Grounding {
    let [samples, ..] = boxes.dims();
    let masks = (0..samples * SLOTS).map(|i| f32::from(u8::from(taken(i / SLOTS, i % SLOTS))));
    let masks = TensorData::new(masks.collect::<Vec<_>>(), [samples, SLOTS]);
    let masks = Tensor::<2>::from_data(masks, (&boxes.device(), DType::F32));
    Grounding { boxes, masks: masks.clone(), phrases: SlotFeatures { embeddings, masks }, images: None }
}

/// Waves for texts of `width`, and `objects` of waves for phrases, for each of `samples`.
pub(crate) fn conditioning(samples: usize, objects: usize, width: usize, device: &Device) -> Conditioning {
    const TEXT: usize = 77;
    let rows = |count: usize| wave([samples, 1, count, width], device).squeeze_dim::<3>(1);
    let boxes = Tensor::full([samples, SLOTS, 4], 0.5, (device, DType::F32));
    let grounding = in_slots(boxes, rows(SLOTS), |_, slot| slot < objects);
    Conditioning { encoder_hidden_states: rows(TEXT), grounding: Some(grounding) }
}

/// Numbers that both sides can make.
pub(crate) fn wave(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values = (0..shape.iter().product()).map(|i: usize| ((i as f64).sin() * 2.0_f64.sqrt()) as f32);
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), (device, DType::F32))
}

/// The size of a result, for a look at whether both sides compute the same.
pub(crate) fn show<const D: usize>(what: &str, tensor: Tensor<D>) {
    let mean: f32 = tensor.square().mean().into_scalar();
    eprintln!("{what}: root mean square {:.6}", mean.sqrt());
}
