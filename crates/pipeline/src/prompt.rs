//! Captions to the states that guide a batch.

use burn::Tensor;
use gligen_components::TextEncoder;

use crate::denoise::Warning;
use crate::{Error, Plan};

/// The caption's states for a whole batch: the negative prompts' first, if the plan is guided, then the captions',
/// each repeated for its pictures: `[batch, tokens, channels]`.
pub(crate) fn encode(
    plan: &Plan,
    encoder: &dyn TextEncoder,
    warn: &mut dyn FnMut(Warning),
) -> Result<Tensor<3>, Error> {
    let request = &plan.request;
    let mut states = |texts: &[String], clip_skip| -> Result<Tensor<3>, Error> {
        let states = encode_texts(encoder, texts, clip_skip, warn)?.hidden;
        Ok(repeat_each(states, plan.num_images))
    };
    let positive = states(&request.prompts, request.clip_skip)?;
    if !plan.is_guided() {
        return Ok(positive);
    }
    let negative = match request.negative_prompts.as_slice() {
        [] => vec![String::new()],
        given => given.to_vec(),
    };
    // The original leaves no layers out for the negative prompt, and neither do we.
    let mut negative = states(&negative, 0)?;
    if negative.dims()[0] != positive.dims()[0] {
        negative = negative.repeat_dim(0, request.prompts.len());
    }
    Ok(Tensor::cat(vec![negative, positive], 0))
}

/// Encodes `texts` and warns of words that did not fit.
pub(crate) fn encode_texts(
    encoder: &dyn TextEncoder,
    texts: &[String],
    clip_skip: usize,
    warn: &mut dyn FnMut(Warning),
) -> Result<gligen_components::TextStates, Error> {
    let states = encoder
        .encode(texts, clip_skip)
        .map_err(|source| Error::Component { part: "text encoder", source })?;
    for (text, lost) in texts.iter().zip(&states.truncated) {
        if let Some(lost) = lost {
            warn(Warning::Truncated { text: text.clone(), lost: lost.clone() });
        }
    }
    Ok(states)
}

/// `[texts, tokens, channels]` to `[texts · times, tokens, channels]`, copies of a text beside each other.
pub(crate) fn repeat_each(states: Tensor<3>, times: usize) -> Tensor<3> {
    let [texts, tokens, channels] = states.dims();
    states.unsqueeze_dim::<4>(1).repeat_dim(1, times).reshape([texts * times, tokens, channels])
}
