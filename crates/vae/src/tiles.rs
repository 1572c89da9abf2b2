//! Decoding a large picture tile by tile, so that its memory grows far more slowly than it.
//!
//! The bottom of the decoder, which looks at all of the picture at once, runs on the whole: it is small. The two largest
//! levels, which take most of the memory, run on tiles that overlap, and where they do the picture fades from one into
//! the next.
//!
//! ```text
//! latents ─▶ conv_in, mid_block, up_blocks ─┬─▶ tile ─▶ last up_blocks ─┐
//!                                           ├─▶ tile ─▶ last up_blocks ─┼─▶ weighted sum ─▶ picture
//!                                           └─▶ tile ─▶ last up_blocks ─┘
//! ```
//!
//! What group norms normalise by must be the same for all tiles, or each had colours of its own: it is measured once,
//! on so few of the places that they are one tile. The picture differs by that a little from the whole one, without a
//! seam.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use burn::Tensor;
use burn::tensor::TensorData;

use crate::decoder::Decoder;

/// Side of a tile, in places of the feature map that is cut: 2 pixels each in the published checkpoints.
const SIDE: usize = 128;
/// Places that neighbours share, at least.
const OVERLAP: usize = 32;
/// Places beside a cut that do not count: what lies behind it is missing in them.
const MARGIN: usize = 8;
/// The longer side, in latents, up to which [`Tiling::On`] decodes a picture as a whole.
const LATENTS: usize = 64;
/// Latents of the largest picture that is decoded as a whole: 96 × 96, which is 768 × 768 pixels.
const WHOLE: usize = 96 * 96;

/// Whether pictures are decoded tile by tile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tiling {
    /// Those of more than 768 × 768 pixels, at 8 pixels a latent.
    #[default]
    Auto,
    /// All with a side of more than 512 pixels, at 8 pixels a latent.
    On,
    /// None.
    Off,
}

impl Tiling {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Auto, Self::On, Self::Off];

    /// What users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Whether latents of this size go in tiles.
    pub(crate) fn applies(self, height: usize, width: usize) -> bool {
        match self {
            Self::Auto => height * width > WHOLE,
            Self::On => height.max(width) > LATENTS,
            Self::Off => false,
        }
    }
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tiling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|tiling| tiling.name() == text);
        known.ok_or_else(|| "expected `auto`, `on` or `off`".into())
    }
}

/// What the top of `decoder` makes of `x`, `[batch, channels, height, width]`, tile by tile: for each of its places a
/// square of `scale` × `scale` pixels.
pub(crate) fn decode(x: &Tensor<4>, scale: usize, decoder: &Decoder) -> Tensor<4> {
    let mut statistics = Vec::new();
    decoder.top_normed(fewer(x), &mut |norm, x| {
        let of_x = norm.statistics(x.clone());
        let normed = norm.forward_silu_by(x, &of_x);
        statistics.push(of_x);
        normed
    });
    in_tiles(x, scale, |tile| {
        let mut statistics = statistics.iter();
        decoder.top_normed(tile, &mut |norm, x| match statistics.next() {
            Some(statistics) => norm.forward_silu_by(x, statistics),
            None => norm.forward_silu(x),
        })
    })
}

/// Every second place of `x`, or every third, …, so that they are no more than a tile.
fn fewer(x: &Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let [down, across] = [height, width].map(|length| length.div_ceil(SIDE));
    let (rows, columns) = (height / down, width / across);
    let x = x.clone().narrow(2, 0, rows * down).narrow(3, 0, columns * across);
    let x = x.reshape([batch, channels, rows, down * columns * across]);
    let x = x.narrow(3, down / 2 * columns * across, columns * across);
    let x = x.reshape([batch * channels, rows, columns, across]).narrow(3, across / 2, 1);
    x.reshape([batch, channels, rows, columns])
}

/// What `decode` makes of `x`, tile by tile.
fn in_tiles(x: &Tensor<4>, scale: usize, decode: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let (rows, columns) = (tiles(height), tiles(width));
    let strip = |(row, weights): &(Range<usize>, Vec<f32>)| {
        let tile = |(column, across): &(Range<usize>, Vec<f32>)| {
            let part = x.clone().slice([0..batch, 0..x.dims()[1], row.clone(), column.clone()]);
            let part = decode(part) * axis(weights, scale, 2, x) * axis(across, scale, 3, x);
            (column.clone(), part)
        };
        (row.clone(), sum(columns.iter().map(tile), 3, width, scale))
    };
    sum(rows.iter().map(strip), 2, height, scale)
}

/// The tiles of an axis of `length` places, each with how much it counts at each of its own; for every place that adds
/// up to 1.
fn tiles(length: usize) -> Vec<(Range<usize>, Vec<f32>)> {
    let count = length.saturating_sub(OVERLAP).div_ceil(SIDE - OVERLAP).max(1);
    let side = SIDE.min(length);
    let ranges: Vec<_> = (0..count)
        .map(|index| index * (length - side) / (count - 1).max(1))
        .map(|start| start..start + side)
        .collect();
    let weight = |range: &Range<usize>, at: usize| {
        let from_cut = |distance: usize, is_cut: bool| match is_cut {
            true => (distance as f32 + 0.5 - MARGIN as f32).max(0.0),
            false => SIDE as f32,
        };
        from_cut(at - range.start, range.start > 0).min(from_cut(range.end - 1 - at, range.end < length))
    };
    let total = |at: usize| -> f32 {
        ranges.iter().filter(|range| range.contains(&at)).map(|range| weight(range, at)).sum()
    };
    let weights = |range: &Range<usize>| range.clone().map(|at| weight(range, at) / total(at)).collect();
    ranges.iter().map(|range| (range.clone(), weights(range))).collect()
}

/// `weights` of places along `axis`, for their pixels.
fn axis(weights: &[f32], scale: usize, axis: usize, like: &Tensor<4>) -> Tensor<4> {
    let pixels: Vec<f32> = weights.iter().flat_map(|&weight| std::iter::repeat_n(weight, scale)).collect();
    let mut shape = [1; 4];
    shape[axis] = pixels.len();
    Tensor::from_data(TensorData::new(pixels, shape), (&like.device(), like.dtype()))
}

/// Puts `parts` of places along `axis` where they belong, and adds them up where they overlap.
fn sum(
    parts: impl Iterator<Item = (Range<usize>, Tensor<4>)>,
    axis: usize,
    length: usize,
    scale: usize,
) -> Tensor<4> {
    let mut sum: Option<Tensor<4>> = None;
    for (range, part) in parts {
        let mut shape = part.dims();
        let mut place = shape.map(|length| 0..length);
        place[axis] = range.start * scale..range.end * scale;
        shape[axis] = length * scale;
        let before = sum.unwrap_or_else(|| Tensor::zeros(shape, (&part.device(), part.dtype())));
        let there = before.clone().slice(place.clone());
        sum = Some(before.slice_assign(place, there + part));
    }
    sum.expect("there is a tile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_an_axis_and_fade_into_each_other() {
        for length in 1..400 {
            let tiles = tiles(length);
            assert_eq!((tiles[0].0.start, tiles[tiles.len() - 1].0.end), (0, length));
            for pair in tiles.windows(2) {
                assert!(pair[0].0.end >= pair[1].0.start + OVERLAP, "{length}: too small an overlap");
            }
            let mut total = vec![0.0; length];
            for (range, weights) in &tiles {
                assert!(range.len() == SIDE.min(length) && range.len() == weights.len());
                for (total, weight) in total[range.clone()].iter_mut().zip(weights) {
                    *total += weight;
                }
            }
            assert!(total.iter().all(|total| (total - 1.0f32).abs() < 1e-6), "{length}: {total:?}");
        }
    }

    #[test]
    fn what_looks_at_nothing_beside_itself_is_the_same_in_tiles() {
        let device = gligen_testkit::devices().remove(0);
        let numbers = (0..2 * 150 * 70).map(|i| (i as f32).sin()).collect::<Vec<_>>();
        let x = Tensor::<4>::from_data(TensorData::new(numbers, [1, 2, 150, 70]), &device);
        let double = |x: Tensor<4>| x.repeat_dim(1, 2);
        let difference = (in_tiles(&x, 1, double) - double(x)).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-6, "{difference:e}");
    }
}
