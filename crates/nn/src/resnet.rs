//! The residual block of UNet and autoencoder.

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;

use crate::{Conv2d, GroupNorm, Linear};

/// Two convolutions, each after a group norm and SiLU, with the time embedding added between them and the input
/// added at the end.
///
/// Source: diffusers `models/resnet.py`, `ResnetBlock2D` with the default time-scale shift.
#[derive(Module, Debug)]
pub struct ResnetBlock2d {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock2d {
    /// From `inputs` to `outputs` channels; `time_width` is that of the time embedding, `None` in an autoencoder.
    pub fn new(
        inputs: usize,
        outputs: usize,
        time_width: Option<usize>,
        groups: usize,
        epsilon: f64,
        device: &Device,
    ) -> Self {
        Self {
            norm1: GroupNorm::new(groups, inputs, epsilon, device),
            conv1: Conv2d::new(inputs, outputs, 3, device),
            time_emb_proj: time_width.map(|width| Linear::new(width, outputs, true, device)),
            norm2: GroupNorm::new(groups, outputs, epsilon, device),
            conv2: Conv2d::new(outputs, outputs, 3, device),
            conv_shortcut: (inputs != outputs).then(|| Conv2d::new(inputs, outputs, 1, device)),
        }
    }

    /// `x`: `[batch, inputs, height, width]`; `time`: `[batch or 1, time_width]`, the SiLU of the time embedding,
    /// which is the same for all blocks of a step. Returns `[batch, outputs, height, width]`.
    pub fn forward(&self, x: Tensor<4>, time: Option<Tensor<2>>) -> Tensor<4> {
        self.forward_normed(x, time, &mut GroupNorm::forward_silu)
    }

    /// [`ResnetBlock2d::forward`] with both norms, and the SiLU after them, by `norm`.
    pub fn forward_normed(
        &self,
        x: Tensor<4>,
        time: Option<Tensor<2>>,
        norm: &mut dyn FnMut(&GroupNorm, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let hidden = norm(&self.norm1, x.clone());
        let time = time.zip(self.time_emb_proj.as_ref()).map(|(time, proj)| proj.forward(time));
        let hidden = match time {
            None => self.conv1.forward(hidden),
            Some(time) if time.dims()[0] == 1 => self.conv1.forward_shifted(hidden, time.squeeze_dim(0)),
            Some(time) => self.conv1.forward(hidden) + time.unsqueeze_dims(&[2, 3]),
        };
        let shortcut = match &self.conv_shortcut {
            Some(conv) => conv.forward(x),
            None => x,
        };
        self.conv2.forward_add(norm(&self.norm2, hidden), shortcut)
    }
}
