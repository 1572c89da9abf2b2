//! A parameter that waits for its checkpoint.

use burn::Tensor;
use burn::module::{Param, ParamId};
use burn::tensor::Device;

/// An empty parameter of `shape`, which takes no memory until a checkpoint is loaded.
///
/// # Panics
///
/// Reading it before that is a mistake in the program, and panics: random numbers in its place would go unnoticed.
pub fn parameter<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::uninitialized(
        ParamId::new(),
        move |_, _| panic!("a parameter of shape {shape:?} was read before a checkpoint was loaded"),
        device.clone(),
        false,
        shape.into(),
    )
}
