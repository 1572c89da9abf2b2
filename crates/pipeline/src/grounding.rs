//! Objects to the tensors that a denoiser is grounded with.

use burn::Tensor;
use burn::tensor::{DType, Device, Int, TensorData};
use gligen_components::{Grounding, Picture, SlotFeatures};

use crate::denoise::Warning;
use crate::prompt::{encode_texts, repeat_each};
use crate::{Compat, Error, MAX_OBJECTS, Object, Parts, Plan};

/// The objects of `plan`, each caption's repeated for its pictures; in a guided batch the first half (the negative
/// prompts') has none. A plan without objects gives empty slots throughout: the model was trained to see 30 of them.
///
/// The original's pipeline for pictures evaluates the network on two batches, with and without objects, and uses half
/// of each; this one batch is those two halves.
pub(crate) fn ground(
    plan: &Plan,
    parts: &Parts,
    device: &Device,
    warn: &mut dyn FnMut(Warning),
) -> Result<Grounding, Error> {
    for list in plan.request.objects.iter().filter(|list| list.len() > MAX_OBJECTS) {
        warn(Warning::TooManyObjects { found: list.len() });
    }
    let slots = Slots { plan, device };
    let mut encode_phrases =
        |phrases: Vec<String>| Ok(encode_texts(parts.text_encoder.as_ref(), &phrases, 0, warn)?.pooled);
    let phrases = slots.features(|object| object.phrase.clone(), &mut encode_phrases)?;
    let images = match &parts.image_encoder {
        Some(encoder) if parts.denoiser.takes_pictures() => {
            let mut encode = |pictures: Vec<Picture>| {
                encoder.encode(&pictures).map_err(|source| Error::Component { part: "image encoder", source })
            };
            slots.features(|object| object.image.clone(), &mut encode)?
        }
        _ => None,
    };
    let width = parts.text_encoder.width();
    let no_embeddings = || slots.batch(Tensor::zeros([1, MAX_OBJECTS, width], (device, DType::F32)));
    Ok(Grounding {
        boxes: slots.numbers(|object| object.rect),
        masks: slots.masks(|object| presence(object, plan.request.compat)),
        phrases: SlotFeatures {
            embeddings: phrases.unwrap_or_else(no_embeddings),
            masks: slots.masks(Object::phrase_weight),
        },
        images: images
            .map(|embeddings| SlotFeatures { embeddings, masks: slots.masks(Object::image_weight) }),
    })
}

/// Whether an object counts at all. The original keeps the box of one whose phrase and picture count nothing.
fn presence(object: &Object, compat: Compat) -> f64 {
    let counts = object.phrase_weight() > 0.0 || object.image_weight() > 0.0;
    f64::from(counts || compat == Compat::Diffusers)
}

/// The slots of a batch.
struct Slots<'a> {
    plan: &'a Plan,
    device: &'a Device,
}

impl<'a> Slots<'a> {
    /// Each caption's objects; one list where one serves all captions, so that it is looked at once.
    fn lists(&self) -> impl Iterator<Item = &'a [Object]> {
        let plan = self.plan;
        (0..plan.request.objects.len().max(1)).map(|prompt| plan.objects(prompt))
    }

    /// `N` numbers of each object, 0 in empty slots: `[batch, slots, N]`.
    fn numbers<const N: usize>(&self, of: impl Fn(&Object) -> [f64; N]) -> Tensor<3> {
        let mut numbers = Vec::new();
        for (index, objects) in self.lists().enumerate() {
            numbers.extend(objects.iter().flat_map(&of).map(|number| number as f32));
            numbers.resize((index + 1) * MAX_OBJECTS * N, 0.0);
        }
        let shape = [numbers.len() / (MAX_OBJECTS * N), MAX_OBJECTS, N];
        self.batch(Tensor::from_data(TensorData::new(numbers, shape), (self.device, DType::F32)))
    }

    /// A weight of each object, 0 in empty slots: `[batch, slots]`.
    fn masks(&self, of: impl Fn(&Object) -> f64) -> Tensor<2> {
        self.numbers(|object| [of(object)]).squeeze_dim(2)
    }

    /// What `encode` makes, `[values, channels]`, of what `of` gives for the objects, 0 elsewhere: `[batch, slots,
    /// channels]`; `None` if it gives nothing for any.
    fn features<T>(
        &self,
        of: impl Fn(&Object) -> Option<T>,
        encode: &mut dyn FnMut(Vec<T>) -> Result<Tensor<2>, Error>,
    ) -> Result<Option<Tensor<3>>, Error> {
        let mut values = Vec::new();
        let mut rows = Vec::new(); // which value each slot has
        for (index, objects) in self.lists().enumerate() {
            for object in objects {
                let value = of(object);
                rows.push(value.as_ref().map(|_| values.len()));
                values.extend(value);
            }
            rows.resize((index + 1) * MAX_OBJECTS, None);
        }
        if values.is_empty() {
            return Ok(None);
        }
        let nothing = values.len();
        let states = encode(values)?;
        let channels = states.dims()[1];
        let states = Tensor::cat(vec![states, Tensor::zeros([1, channels], (self.device, DType::F32))], 0);
        let rows: Vec<i64> = rows.into_iter().map(|row| row.unwrap_or(nothing) as i64).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), self.device);
        let slots = rows.dims()[0];
        Ok(Some(self.batch(states.select(0, rows).reshape([slots / MAX_OBJECTS, MAX_OBJECTS, channels]))))
    }

    /// `[lists, slots, channels]` for every picture of the batch; nothing in the half that guidance leads away from.
    fn batch(&self, lists: Tensor<3>) -> Tensor<3> {
        let prompts = self.plan.request.prompts.len();
        let times = prompts / lists.dims()[0];
        let conditioned = repeat_each(lists.repeat_dim(0, times), self.plan.num_images);
        match self.plan.is_guided() {
            true => Tensor::cat(vec![conditioned.zeros_like(), conditioned], 0),
            false => conditioned,
        }
    }
}
