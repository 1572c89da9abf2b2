//! Objects to the tensors that a denoiser is grounded with.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_components::{Grounding, SlotFeatures, TextEncoder};

use crate::denoise::Warning;
use crate::prompt::encode_texts;
use crate::{Error, MAX_OBJECTS, Plan};

/// The objects of `plan`, the same for every picture; in a guided batch the first half (the negative prompts') has
/// none. A plan without objects gives empty slots throughout: the model was trained to see 30 of them.
pub(crate) fn ground(
    plan: &Plan,
    encoder: &dyn TextEncoder,
    device: &Device,
    warn: &mut dyn FnMut(Warning),
) -> Result<Grounding, Error> {
    let width = encoder.width();
    let mut objects = plan.request.objects.as_slice();
    if objects.len() > MAX_OBJECTS {
        warn(Warning::TooManyObjects { found: objects.len() });
        objects = &objects[..MAX_OBJECTS];
    }

    let mut boxes = vec![0.0f32; MAX_OBJECTS * 4];
    for (slot, object) in boxes.chunks_exact_mut(4).zip(objects) {
        slot.iter_mut().zip(object.rect).for_each(|(slot, fraction)| *slot = fraction as f32);
    }
    let phrases: Vec<String> = objects.iter().map(|object| object.phrase.clone()).collect();
    let empty = Tensor::zeros([MAX_OBJECTS - objects.len(), width], device);
    let embeddings: Tensor<2> = match phrases.is_empty() {
        true => empty,
        false => Tensor::cat(vec![encode_texts(encoder, &phrases, 0, warn)?.pooled, empty], 0),
    };
    let mask: Vec<f32> = (0..MAX_OBJECTS).map(|slot| f32::from(slot < objects.len())).collect();

    let pictures = plan.pictures();
    let batch = if plan.is_guided() { 2 * pictures } else { pictures };
    let boxes = Tensor::<3>::from_data(TensorData::new(boxes, [1, MAX_OBJECTS, 4]), device);
    let mask = Tensor::<2>::from_data(TensorData::new(mask, [1, MAX_OBJECTS]), device);
    let without = Tensor::zeros([batch - pictures, MAX_OBJECTS], device);
    let masks = Tensor::cat(vec![without, mask.repeat_dim(0, pictures)], 0);
    let embeddings = embeddings.unsqueeze::<3>().repeat_dim(0, batch);
    Ok(Grounding {
        boxes: boxes.repeat_dim(0, batch),
        masks: masks.clone(),
        phrases: SlotFeatures { embeddings, masks },
        images: None,
    })
}
