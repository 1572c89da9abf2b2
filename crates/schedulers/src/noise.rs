//! Where randomness comes in.

use burn::Tensor;
use burn::tensor::Device;

/// A stream of standard normal numbers. All randomness of a generation comes through it, so that a run can be
/// repeated, or made to agree with another program's.
pub trait NoiseSource {
    /// The next draw, `[batch, channels, height, width]`.
    fn normal(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4>;
}
