//! Networks that give their memory back when they have done their work.

use burn::Tensor;
use gligen_components::{
    Autoencoder, BoxError, Conditioning, Denoiser, Denoising, ImageEncoder, Picture, Posterior,
    SafetyChecker, TextEncoder, TextStates,
};
use gligen_weights::Weights;

/// A network, and the weights whose memory is given back after each use of it; none: it keeps its memory.
pub(crate) struct Resting<N> {
    network: N,
    weights: Vec<Weights>,
}

impl<N> Resting<N> {
    /// `network`, which was loaded from `weights`, and whether it `rests`.
    pub(crate) fn new(network: N, weights: impl IntoIterator<Item = Weights>, rests: bool) -> Self {
        Self { network, weights: if rests { weights.into_iter().collect() } else { Vec::new() } }
    }
}

/// A use of a network; its end gives the memory back.
struct Use<'a>(&'a [Weights]);

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(Weights::release);
    }
}

impl<N: TextEncoder> TextEncoder for Resting<N> {
    fn width(&self) -> usize {
        self.network.width()
    }

    fn encode(&self, texts: &[String], clip_skip: usize) -> Result<TextStates, BoxError> {
        let _use = Use(&self.weights);
        self.network.encode(texts, clip_skip)
    }
}

impl<N: ImageEncoder> ImageEncoder for Resting<N> {
    fn width(&self) -> usize {
        self.network.width()
    }

    fn encode(&self, pictures: &[Picture]) -> Result<Tensor<2>, BoxError> {
        let _use = Use(&self.weights);
        self.network.encode(pictures)
    }
}

impl<N: SafetyChecker> SafetyChecker for Resting<N> {
    fn flag(&self, pictures: &[Picture]) -> Result<Vec<bool>, BoxError> {
        let _use = Use(&self.weights);
        self.network.flag(pictures)
    }
}

impl<N: Autoencoder> Autoencoder for Resting<N> {
    fn scaling_factor(&self) -> f64 {
        self.network.scaling_factor()
    }

    fn downscale(&self) -> usize {
        self.network.downscale()
    }

    fn encode(&self, pictures: Tensor<4>) -> Result<Posterior, BoxError> {
        let _use = Use(&self.weights);
        self.network.encode(pictures)
    }

    fn decode(&self, latents: Tensor<4>) -> Result<Tensor<4>, BoxError> {
        let _use = Use(&self.weights);
        self.network.decode(latents)
    }
}

impl<N: Denoiser> Denoiser for Resting<N> {
    fn in_channels(&self) -> usize {
        self.network.in_channels()
    }

    fn out_channels(&self) -> usize {
        self.network.out_channels()
    }

    fn sample_size(&self) -> usize {
        self.network.sample_size()
    }

    fn context_width(&self) -> usize {
        self.network.context_width()
    }

    fn grounding_width(&self) -> Option<usize> {
        self.network.grounding_width()
    }

    fn takes_pictures(&self) -> bool {
        self.network.takes_pictures()
    }

    fn begin<'a>(&'a self, conditioning: &Conditioning) -> Result<Box<dyn Denoising + 'a>, BoxError> {
        let end = Use(&self.weights);
        Ok(Box::new(Run { denoising: self.network.begin(conditioning)?, _end: end }))
    }
}

/// A generation under way: the denoiser rests when it is over.
struct Run<'a> {
    denoising: Box<dyn Denoising + 'a>,
    _end: Use<'a>,
}

impl Denoising for Run<'_> {
    fn predict(
        &mut self,
        latents: Tensor<4>,
        timestep: f64,
        grounding_scale: f64,
    ) -> Result<Tensor<4>, BoxError> {
        self.denoising.predict(latents, timestep, grounding_scale)
    }
}
