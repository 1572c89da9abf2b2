//! How much memory a model may take.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use gligen_kernels::reads_halves;
use gligen_weights::Weights;

use crate::resting::Resting;

/// What a model's weights do with memory on the CPU. The pictures are the same to the bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Memory {
    /// All weights are widened to f32 while they are loaded: twice the size of a file of f16.
    Fast,
    /// Weights are used where they lie in their file, and f16 and bf16 are widened piece by piece as they are computed
    /// with: the size of the file. The denoiser, the largest, gives its memory back when a picture is only to be decoded:
    /// for the next one it is mapped again, in tenths of a second.
    #[default]
    Balanced,
    /// As balanced, and every network gives its memory back when it has done its work.
    Small,
}

impl Memory {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Small];

    /// What users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Small => "small",
        }
    }

    /// `weights`, to be loaded onto `device` as this choice has it.
    pub(crate) fn prepare(self, weights: Weights, device: &Device) -> Weights {
        match self {
            Self::Fast => weights,
            Self::Balanced | Self::Small if reads_halves(device) => weights.as_stored(),
            Self::Balanced | Self::Small => weights,
        }
    }

    /// `network`, which was loaded from `weights`, as this choice keeps it.
    pub(crate) fn keep<N>(self, network: N, weights: impl IntoIterator<Item = Weights>) -> Resting<N> {
        Resting::new(network, weights, self == Self::Small)
    }

    /// The denoiser, as [`Memory::keep`] any other network.
    pub(crate) fn keep_denoiser<N>(self, network: N, weights: Weights) -> Resting<N> {
        Resting::new(network, [weights], self != Self::Fast)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|memory| memory.name() == text);
        known.ok_or_else(|| "expected `fast`, `balanced` or `small`".into())
    }
}
