//! A text encoder of one's own in the place of CLIP's.
//!
//! ```sh
//! cargo run --release -p gligen-pipeline --example own_text_encoder
//! ```
//!
//! Whatever turns texts into states of the right width can sit here: another model, a service, a cache. This one keeps
//! what the encoder within it has computed, so that phrases used again and again are encoded once.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use burn::Tensor;
use gligen_components::{BoxError, TextEncoder, TextStates};
use gligen_pipeline::{Object, Parts, Pipeline, Request, device};

/// Remembers the states of each text.
struct Remembering {
    encoder: Arc<dyn TextEncoder>,
    known: Mutex<HashMap<(String, usize), TextStates>>,
}

impl TextEncoder for Remembering {
    fn width(&self) -> usize {
        self.encoder.width()
    }

    fn encode(&self, texts: &[String], clip_skip: usize) -> Result<TextStates, BoxError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states = Vec::new();
        for text in texts {
            let key = (text.clone(), clip_skip);
            if !known.contains_key(&key) {
                println!("new: {text:?}");
                known.insert(key.clone(), self.encoder.encode(std::slice::from_ref(text), clip_skip)?);
            }
            states.push(known[&key].clone());
        }
        Ok(TextStates {
            hidden: Tensor::cat(states.iter().map(|state| state.hidden.clone()).collect(), 0),
            pooled: Tensor::cat(states.iter().map(|state| state.pooled.clone()).collect(), 0),
            truncated: states.into_iter().flat_map(|state| state.truncated).collect(),
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = device::parse("flex")?;
    let built_in = Pipeline::built_in(&device)?;
    let remembering = Remembering { encoder: built_in.parts().text_encoder.clone(), known: Mutex::default() };
    let parts = Parts { text_encoder: Arc::new(remembering), ..built_in.parts().clone() };
    let pipeline = Pipeline::new(parts, &device)?;

    for (seed, rect) in [(1, [0.1, 0.2, 0.5, 0.9]), (2, [0.5, 0.2, 0.9, 0.9])] {
        let request = Request::new("a penguin on a light blue background")
            .object(Object::phrase("a penguin", rect))
            .steps(8)
            .seed(seed);
        let output = pipeline.generate(&request, |_| ControlFlow::Continue(()))?;
        assert_eq!(output.images, built_in.generate(&request, |_| ControlFlow::Continue(()))?.images);
        output.images[0].save(format!("penguin-{seed}.png"))?;
    }
    Ok(())
}
