//! The ResNet block as the autoencoder has it: no timestep, and an epsilon of its own.

use burn::tensor::Device;
use gligen_nn::ResnetBlock2d;

use crate::AutoencoderKlConfig;

/// Epsilon of every group norm of the autoencoder.
pub(crate) const EPSILON: f64 = 1e-6;

/// A block from `inputs` to `outputs` channels.
pub(crate) fn resnet(
    config: &AutoencoderKlConfig,
    inputs: usize,
    outputs: usize,
    device: &Device,
) -> ResnetBlock2d {
    ResnetBlock2d::new(inputs, outputs, None, config.norm_num_groups, EPSILON, device)
}
