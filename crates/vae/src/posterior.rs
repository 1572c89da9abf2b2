//! From the encoder's numbers to a distribution of latents.

use burn::Tensor;
use gligen_components::Posterior;

/// Bounds of the log-variance, within which its exponential is a number that f32 can hold.
const LOG_VARIANCE: (f32, f32) = (-30.0, 20.0);

/// `moments`: `[batch, 2 · channels, height, width]`, the means, then the logarithms of the variances.
///
/// Source: diffusers `models/autoencoders/vae.py`, `DiagonalGaussianDistribution`.
pub(crate) fn posterior(moments: Tensor<4>) -> Posterior {
    let channels = moments.dims()[1] / 2;
    let mean = moments.clone().narrow(1, 0, channels);
    let log_variance = moments.narrow(1, channels, channels).clamp(LOG_VARIANCE.0, LOG_VARIANCE.1);
    Posterior { mean, std: (log_variance * 0.5).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wild_variances_are_bounded() {
        for device in gligen_testkit::devices() {
            let moments = Tensor::<1>::from_floats([0.5, -1.0, 7.0, 2.0, -200.0, 200.0, 0.0, 2.0], &device);
            let posterior = posterior(moments.reshape([1, 4, 1, 2]));
            let floats = |x: Tensor<4>| x.into_data().try_into_vec_as::<f32>().expect("floats");
            assert_eq!(floats(posterior.mean), [0.5, -1.0, 7.0, 2.0]);
            let expected = [-15.0, 10.0, 0.0, 1.0f64].map(|half| half.exp() as f32);
            assert!(gligen_testkit::relative_error(&floats(posterior.std.clone()), &expected) < 1e-6);
            let smallest = floats(posterior.std)[0];
            assert!((smallest / expected[0] - 1.0).abs() < 1e-6, "{smallest}");
        }
    }
}
