//! The activations that published configs name.

use burn::Tensor;

/// An elementwise activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// The exact GELU.
    Gelu,
    /// `x · sigmoid(1.702 x)`.
    QuickGelu,
}

impl Activation {
    /// Applies it to every number.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Silu => gligen_kernels::silu(x),
            Self::Gelu => gligen_kernels::gelu(x),
            Self::QuickGelu => gligen_kernels::quick_gelu(x),
        }
    }
}
