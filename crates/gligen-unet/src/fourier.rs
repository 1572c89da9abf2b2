//! Box coordinates as features that a network can tell apart finely.

use burn::Tensor;
use burn::tensor::TensorData;

/// Frequencies of the features.
const FREQUENCIES: usize = 8;

/// Number of features of a box: a sine and a cosine of four coordinates at each frequency.
pub(crate) const FOURIER_WIDTH: usize = FREQUENCIES * 2 * 4;

/// Fourier features of boxes. `boxes`: `[batch, slots, 4]`, x0 y0 x1 y1, fractions of width and height in 0..1;
/// returns `[batch, slots, 64]`, for each of the frequencies 100^(i/8) the four sines, then the four cosines.
///
/// Source: GLIGEN `ldm/modules/diffusionmodules/util.py`, `FourierEmbedder`; the frequencies have no factor of 2π.
pub fn fourier_features(boxes: Tensor<3>) -> Tensor<3> {
    let [batch, slots, _] = boxes.dims();
    let frequencies: Vec<f32> =
        (0..FREQUENCIES).map(|i| 100f64.powf(i as f64 / FREQUENCIES as f64) as f32).collect();
    let frequencies = Tensor::<1>::from_data(TensorData::new(frequencies, [FREQUENCIES]), &boxes.device());
    let phases = boxes.unsqueeze_dim::<4>(2) * frequencies.reshape([1, 1, FREQUENCIES, 1]);
    let features = Tensor::stack::<5>(vec![phases.clone().sin(), phases.cos()], 3);
    features.reshape([batch, slots, FOURIER_WIDTH]) // [batch, slots, frequency · (sin, cos) · coordinate]
}
