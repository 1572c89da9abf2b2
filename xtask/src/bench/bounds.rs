//! What was set out to be reached.

use super::record::Row;

/// What a number must be at most, and what it is hoped to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) must: f64,
    pub(super) hope: f64,
    pub(super) of: Measure,
}

/// What a bound is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Ours by the faster reference.
    Ratio,
    /// Ours alone.
    Megabytes,
}

/// The row, and its bound.
const BOUNDS: [(&str, f64, f64, Measure); 9] = [
    ("full size, UNet step, fusers on", 0.75, 0.6, Measure::Ratio),
    ("full size, UNet step, fusers off", 0.75, 0.6, Measure::Ratio),
    ("full size, UNet step of half the side, fusers on", 0.75, 0.6, Measure::Ratio),
    ("full size, decode", 0.55, 0.45, Measure::Ratio),
    ("full size, text: two captions, two phrases", 1.0, 0.7, Measure::Ratio),
    ("full size, CLIP vision: two pictures", 1.0, 0.7, Measure::Ratio),
    ("built-in model, 30 steps, inside one process", 0.6, 0.4, Measure::Ratio),
    ("512×512, one step, `--memory balanced`, peak memory", 3200.0, 2500.0, Measure::Megabytes),
    ("512×512, one step, `--memory small`, peak memory", 2700.0, 2500.0, Measure::Megabytes),
];

impl Bound {
    /// The bound on the row `what`, if it has one.
    pub(super) fn on(what: &str) -> Option<Self> {
        let (_, must, hope, of) = BOUNDS.into_iter().find(|(name, ..)| *name == what)?;
        Some(Self { must, hope, of })
    }

    /// The number of `row` that is bounded.
    pub(super) fn value(&self, row: &Row) -> Option<f64> {
        match self.of {
            Measure::Ratio => row.ratio.map(|ratio| ratio.median),
            Measure::Megabytes => row.ours().map(|ours| ours.median),
        }
    }
}
