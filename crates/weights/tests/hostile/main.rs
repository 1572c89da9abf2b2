//! Files made to harm a reader: each is refused in a sentence, or harmless.

mod build;
mod indices;
mod pickles;
mod safetensors_files;
mod zips;

use gligen_weights::{Weights, WeightsError};

/// What comes of a file: its error, or the tensors that it gives.
fn tell(opened: Result<Weights, WeightsError>) -> String {
    match opened {
        Ok(weights) => {
            let tensors: Vec<_> = weights
                .tensors()
                .map(|(key, info)| {
                    let numbers = weights.numbers(key).map_or_else(|e| e.to_string(), |n| format!("{n:?}"));
                    format!("{key} {} {:?} {numbers}", info.dtype, info.shape)
                })
                .collect();
            format!("harmless: {}", if tensors.is_empty() { "no tensors".into() } else { tensors.join("; ") })
        }
        Err(error) => error.to_string(),
    }
}

/// A line for each case.
fn table(cases: &[(&str, Vec<u8>)]) -> String {
    let told = |bytes: &[u8]| tell(Weights::from_bytes("file", bytes.to_vec()));
    cases.iter().map(|(name, bytes)| format!("{name}\n    {}\n", told(bytes))).collect()
}
