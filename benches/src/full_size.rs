//! The stages of a full-size model at its own size, in f32: what a picture's time and memory go to.

use std::path::Path;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};
use gligen_clip_text::ClipTextEncoder;
use gligen_components::{
    Autoencoder, BoxError, Conditioning, Denoiser, Grounding, SlotFeatures, TextEncoder,
};
use gligen_unet::UNet;
use gligen_vae::AutoencoderKl;

use crate::clock::stage;

const PROMPT: &str = "a cat and a red apple on a light blue background";
const PHRASES: [&str; 2] = ["a cat", "a red apple"];
const BOXES: [[f32; 4]; 2] = [[0.05, 0.30, 0.50, 0.90], [0.60, 0.40, 0.90, 0.70]];
/// Objects that the published models have room for.
const SLOTS: usize = 30;

/// Loads the model in the folder `model` and times its stages, with the caption and without it at once as guidance
/// needs them.
pub(crate) fn time(model: &Path) -> Result<(), BoxError> {
    let device = Device::flex();
    let load = || -> Result<_, BoxError> {
        let unet = UNet::load(&model.join("unet"), &device)?;
        let vae = AutoencoderKl::load(&model.join("vae"), &device)?;
        let text_encoder =
            ClipTextEncoder::load(model.join("text_encoder"), model.join("tokenizer"), &device)?;
        Ok((unet, vae, text_encoder))
    };
    let (unet, vae, text_encoder) = stage("load", load)?;
    let encode = || -> Result<_, BoxError> {
        let encoder: &dyn TextEncoder = &text_encoder;
        let captions = encoder.encode(&[String::new(), PROMPT.into()], 0)?;
        let phrases = encoder.encode(&PHRASES.map(String::from), 0)?;
        Ok((captions.hidden, phrases.pooled))
    };
    let (captions, phrases) = stage("text: two captions, two phrases", encode)?;

    show("captions", captions.clone());
    show("phrases", phrases.clone());
    let grounding = grounding(phrases, &device);
    let conditioning = Conditioning { encoder_hidden_states: captions, grounding: Some(grounding) };
    let side = unet.sample_size();
    let latents = wave([2, unet.in_channels(), side, side], &device);
    // What is computed once per generation is counted to the first step.
    let (mut run, prediction) = stage("first UNet step, fuser on", || -> Result<_, BoxError> {
        let mut run = unet.begin(&conditioning)?;
        let prediction = run.predict(latents.clone(), 981.0, 1.0)?;
        Ok((run, prediction))
    })?;
    show("prediction, fuser on", prediction);
    stage("UNet step, fuser on", || run.predict(latents.clone(), 981.0, 1.0))?;
    let prediction = stage("UNet step, fuser off", || run.predict(latents.clone(), 981.0, 0.0))?;
    show("prediction, fuser off", prediction);
    let small = latents.clone().narrow(2, 0, side / 2).narrow(3, 0, side / 2);
    run.predict(small.clone(), 981.0, 1.0)?;
    stage("UNet step of half the side, fuser on", || run.predict(small, 981.0, 1.0))?;
    drop(run);
    let picture = stage("decode", || vae.decode(latents.narrow(0, 0, 1)))?;
    show("picture", picture);
    Ok(())
}

/// Two objects in the second of two samples, none in the first, whose phrases a mask of 0 makes null.
fn grounding(phrases: Tensor<2>, device: &Device) -> Grounding {
    let [count, width] = phrases.dims();
    let mut boxes = vec![0.0; SLOTS * 4];
    boxes[..8].copy_from_slice(BOXES.as_flattened());
    let boxes = Tensor::<3>::from_data(TensorData::new(boxes, [1, SLOTS, 4]), (device, DType::F32));
    let masks = (0..2 * SLOTS).map(|slot| if (SLOTS..SLOTS + count).contains(&slot) { 1.0 } else { 0.0 });
    let masks = TensorData::new(masks.collect::<Vec<f32>>(), [2, SLOTS]);
    let empty = Tensor::zeros([1, SLOTS - count, width], (device, DType::F32));
    let masks = Tensor::<2>::from_data(masks, (device, DType::F32));
    let embeddings = Tensor::cat(vec![phrases.unsqueeze(), empty], 1).repeat_dim(0, 2);
    Grounding {
        boxes: boxes.repeat_dim(0, 2),
        masks: masks.clone(),
        phrases: SlotFeatures { embeddings, masks },
        images: None,
    }
}

/// Waves for texts, and `objects` of waves for phrases, for each of `samples`.
pub(crate) fn conditioning(samples: usize, objects: usize, device: &Device) -> Conditioning {
    const TEXT: [usize; 2] = [77, 768];
    let rows = |count: usize, width: usize| wave([samples, 1, count, width], device).squeeze_dim::<3>(1);
    let masks = (0..samples * SLOTS).map(|slot| if slot % SLOTS < objects { 1.0 } else { 0.0 });
    let masks = TensorData::new(masks.collect::<Vec<f32>>(), [samples, SLOTS]);
    let masks = Tensor::<2>::from_data(masks, (device, DType::F32));
    let phrases = SlotFeatures { embeddings: rows(SLOTS, TEXT[1]), masks: masks.clone() };
    let boxes = Tensor::full([samples, SLOTS, 4], 0.5, (device, DType::F32));
    let grounding = Grounding { boxes, masks, phrases, images: None };
    Conditioning { encoder_hidden_states: rows(TEXT[0], TEXT[1]), grounding: Some(grounding) }
}

/// Numbers that both sides can make.
pub(crate) fn wave(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values = (0..shape.iter().product()).map(|i: usize| ((i as f64).sin() * 2.0_f64.sqrt()) as f32);
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), (device, DType::F32))
}

/// The size of a result, for a look at whether both sides compute the same.
fn show<const D: usize>(what: &str, tensor: Tensor<D>) {
    let mean: f32 = tensor.square().mean().into_scalar();
    eprintln!("{what}: root mean square {:.6}", mean.sqrt());
}
