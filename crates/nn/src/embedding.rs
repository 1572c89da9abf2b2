//! A table of learned rows.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::module::embedding;
use burn::tensor::{Device, Int};
use gligen_kernels::widened;

use crate::parameter;

/// Looks rows up by number.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[rows, channels]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// A table of `rows` rows.
    pub fn new(rows: usize, channels: usize, device: &Device) -> Self {
        Self { weight: parameter([rows, channels], device) }
    }

    /// `ids`, `[batch, tokens]`, each below the number of rows, to `[batch, tokens, channels]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        widened(embedding(self.weight.val(), ids))
    }

    /// The first `count` rows, `[count, channels]`: those of so many places.
    pub fn first(&self, count: usize) -> Tensor<2> {
        widened(self.weight.val().narrow(0, 0, count))
    }
}
