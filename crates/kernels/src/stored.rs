//! Weights that stay in the type that they are stored in.

use burn::Tensor;
use burn::tensor::{DType, Device, FloatDType};

use crate::device::is_flex;

/// Whether [`linear`](crate::linear) and [`conv2d`](crate::conv2d) on `device` read weights of f16 and bf16 as they are:
/// to have them in f32 would take memory and save no time.
pub fn reads_halves(device: &Device) -> bool {
    is_flex(device)
}

/// `x` as f32, to compute with it.
pub fn widened<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match x.dtype() {
        DType::F16 | DType::BF16 => x.cast(FloatDType::F32),
        _ => x,
    }
}
