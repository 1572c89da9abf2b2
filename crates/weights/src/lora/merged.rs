//! The weights of a layer with the product of two factors added.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use crate::derived::Derived;
use crate::entry::Entry;
use crate::shape::significant;

/// What is multiplied.
#[derive(Debug)]
pub(super) struct Factors {
    /// `[outputs, rank]`, and axes of length 1.
    pub(super) up: Entry,
    /// `[rank, inputs]`, and the kernel of a convolution.
    pub(super) down: Entry,
}

/// A layer and its change.
#[derive(Debug)]
pub(super) struct Merged {
    /// `[outputs, inputs]`, and the kernel of a convolution.
    pub(super) base: Entry,
    pub(super) factors: Arc<Factors>,
    pub(super) scale: f64,
}

/// Whether the product of `up` and `down` has the shape of `base`. Axes of length 1 at the end do not count: a 1×1
/// convolution and a linear map are the same.
pub(super) fn fits(base: &[usize], up: &[usize], down: &[usize]) -> bool {
    let (&[outputs, ref inputs @ ..], factor, &[rank, ref kernel @ ..]) = (base, up, down) else {
        return false;
    };
    significant(factor) == significant(&[outputs, rank]) && significant(inputs) == significant(kernel)
}

impl Derived for Merged {
    fn numbers(&self) -> io::Result<Vec<f32>> {
        let mut weights = self.base.numbers()?;
        let (up, down) = (self.factors.up.numbers()?, self.factors.down.numbers()?);
        let rank = self.factors.down.info.shape.first().copied().unwrap_or(0);
        let outputs = self.base.info.shape.first().copied().unwrap_or(0);
        let scale = self.scale as f32;
        if rank > 0 && outputs > 0 && !weights.is_empty() {
            let inputs = weights.len() / outputs; // kernel included
            weights.par_chunks_mut(inputs).zip(up.par_chunks(rank)).for_each_init(
                || vec![0.0f32; inputs],
                |product, (weights, up)| {
                    product.fill(0.0);
                    for (&up, down) in up.iter().zip(down.chunks(inputs)) {
                        for (sum, &down) in product.iter_mut().zip(down) {
                            *sum += up * down;
                        }
                    }
                    for (weight, &change) in weights.iter_mut().zip(product.iter()) {
                        *weight += scale * change;
                    }
                },
            );
        }
        Ok(weights)
    }
}
