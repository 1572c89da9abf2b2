//! 3×3 convolution of stride 1 by Winograd's minimal filtering, F(4×4, 3×3): a quarter of the multiplications.
//!
//! ```text
//! pixels ──▶ 36 values of each 6×6 tile ─┐
//!                                        ├─ 36 matrix products ──▶ 4×4 results of each tile ──▶ + bias, + residual
//! weights ─▶ 36 values of each kernel  ──┘
//! ```
//!
//! The values of the pixels of a block of tiles are held together; those of the weights are made piece by piece,
//! where they stay in a cache: four times the weights would not pay to be stored. Relative error 1.7e-6, five times
//! that of the direct sum.

mod pixels;
mod results;
mod weights;

use std::ops::Range;

use rayon::prelude::*;

use super::fast::Map;
use crate::numbers::Numbers;
use crate::product::tile::{GROUP, Panel};
use crate::product::{Room, aligned, pieces, with_scratch};
use crate::vectors::Processor;
use pixels::Pixels;
use results::Results;
use weights::WeightsJob;

/// Results in a row of a tile, and pixels.
const RESULTS: usize = 4;
const PIXELS: usize = 6;
/// Values of a tile.
const VALUES: usize = PIXELS * PIXELS;
/// Tiles that are transformed together, whatever the vectors are.
const TILES: usize = 16;
/// Tiles of a block, at most.
const BLOCK: usize = 128;
/// Numbers of the values of a block's pixels, at most about: 24 MiB.
const HELD: usize = 6 << 20;
/// Numbers of the products of a block's tiles with some channels' weights, at most about: 1 MiB.
const PRODUCTS: usize = 1 << 18;
/// Input channels whose weights are transformed together.
const INPUTS: usize = 128;
/// Output channels whose products are held together, at most.
const CHANNELS: usize = 48;
/// Columns of a panel of values.
const PANEL: usize = 32;
/// Numbers between the values of a tile or a kernel, so that they do not all fall into the same lines of a cache.
const APART: usize = 16;

/// Four numbers in a row of each of [`TILES`] tiles.
type Fours = [f32; RESULTS * TILES];

/// Tiles beside each other, of those that are transformed together.
struct Run {
    /// Which of them is the first.
    first: usize,
    count: usize,
    sample: usize,
    /// Row and column of its first result.
    top: usize,
    left: usize,
}

/// `x`, `[samples, in, height, width]`, `weight`, `[out, in, 3, 3]`, into `result`, `[samples, out, rows, columns]`.
pub(super) struct Winograd<'a> {
    pub(super) map: &'a Map,
    pub(super) samples: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) x: &'a [f32],
    pub(super) weight: Numbers<'a>,
    pub(super) bias: Option<&'a [f32]>,
    /// Added to the result, of the same shape.
    pub(super) residual: Option<&'a [f32]>,
}

impl Winograd<'_> {
    /// Whether it can compute this convolution, and faster than the direct sum: where there are few tiles the values
    /// of the weights cost more than they save, and where there are few inputs those of the pixels.
    pub(super) fn pays(&self) -> bool {
        self.map.kernel == 3 && self.map.place.stride == 1 && self.inputs >= 16 && self.tiles_in_sample() >= 9
    }

    pub(super) fn run(&self, result: &mut [f32]) {
        assert_eq!(self.x.len(), self.samples * self.inputs * self.map.height * self.map.width, "pixels");
        assert_eq!(self.weight.len(), self.outputs * self.inputs * 9, "weights");
        assert_eq!(result.len(), self.samples * self.outputs * self.map.rows * self.map.columns, "results");
        assert!(self.residual.is_none_or(|residual| residual.len() == result.len()), "residual");
        let room = Room::new(result);
        let tiles = self.samples * self.tiles_in_sample();
        let block = BLOCK.min(HELD / (VALUES * self.inputs)).max(TILES);
        pieces(tiles, block, TILES).into_par_iter().for_each(|tiles| {
            // SAFETY: the result was checked, it is borrowed for this call, and no tile is in two blocks.
            unsafe { self.block(tiles, room) };
        });
    }

    fn tiles_in_sample(&self) -> usize {
        self.map.rows.div_ceil(RESULTS) * self.tiles_in_row()
    }

    fn tiles_in_row(&self) -> usize {
        self.map.columns.div_ceil(RESULTS)
    }

    /// The results of some tiles.
    ///
    /// # Safety
    ///
    /// The room must be that of the result, and nobody else may use what belongs to these tiles meanwhile.
    unsafe fn block(&self, tiles: Range<usize>, room: Room) {
        let count = tiles.len().next_multiple_of(TILES);
        let channels = (PRODUCTS / (VALUES * count) / 12 * 12).clamp(12, CHANNELS);
        with_scratch(|buffer| {
            // [values, panels, in, tiles of a panel]
            let value = count * self.inputs + APART;
            let values = aligned(buffer, VALUES * value);
            let to = Room::new(values);
            let sixteens: Vec<_> = tiles
                .clone()
                .step_by(TILES)
                .map(|first| self.runs(first..tiles.end.min(first + TILES)))
                .collect();
            (0..self.inputs).into_par_iter().with_min_len(8).for_each(|channel| {
                // SAFETY: there is room for every value of every channel, and each channel has its own.
                unsafe { self.transform_pixels(channel, &sixteens, to) };
            });
            let values = &*values;
            pieces(self.outputs, channels, GROUP).into_par_iter().for_each(|channels| {
                // SAFETY: the caller's promise, and no channel is in two of these pieces.
                unsafe { self.channels(channels, &sixteens, values, room) };
            });
        });
    }

    /// Up to [`TILES`] tiles, row by row.
    fn runs(&self, tiles: Range<usize>) -> Vec<Run> {
        let mut tile = tiles.start;
        let runs = std::iter::from_fn(|| {
            let (sample, in_sample) = (tile / self.tiles_in_sample(), tile % self.tiles_in_sample());
            let (row, column) = (in_sample / self.tiles_in_row(), in_sample % self.tiles_in_row());
            let run = Run {
                first: tile - tiles.start,
                count: (tiles.end - tile).min(self.tiles_in_row() - column),
                sample,
                top: row * RESULTS,
                left: column * RESULTS,
            };
            tile += run.count;
            (run.count > 0).then_some(run)
        });
        runs.collect()
    }

    /// Where the values of the tiles of a panel begin, for the first value: the panel's first tile times the inputs.
    /// Returns first tile and width of the panel that `tile` is in.
    fn panel_of(tile: usize, count: usize) -> (usize, usize) {
        let first = tile / PANEL * PANEL;
        (first, PANEL.min(count - first))
    }

    /// The values of a channel's pixels in the tiles of a block.
    ///
    /// # Safety
    ///
    /// The room must be that of all values of these tiles, and nobody else may use what belongs to the channel meanwhile.
    unsafe fn transform_pixels(&self, channel: usize, sixteens: &[Vec<Run>], to: Room) {
        let area = self.map.height * self.map.width;
        let count = sixteens.len() * TILES;
        for (index, runs) in sixteens.iter().enumerate() {
            let first = index * TILES;
            let (panel, width) = Self::panel_of(first, count);
            let pixels = Pixels {
                x: &self.x[channel * area..],
                sample: self.inputs * area,
                map: self.map,
                runs,
                to,
                first: panel * self.inputs + channel * width + first - panel,
                value: count * self.inputs + APART,
            };
            // SAFETY: the caller's promise; each sixteen tiles have values of their own.
            Processor::this().run(unsafe { pixels.job() });
        }
    }

    /// Results of some output channels.
    ///
    /// # Safety
    ///
    /// As for [`Winograd::block`], of these channels.
    unsafe fn channels(&self, channels: Range<usize>, sixteens: &[Vec<Run>], values: &[f32], room: Room) {
        let count = sixteens.len() * TILES;
        let most = INPUTS.min(self.inputs.next_multiple_of(GROUP));
        let rows = channels.len().next_multiple_of(GROUP);
        let weights_value = rows * most + APART;
        let products_value = channels.len() * count + APART;
        with_scratch(|buffer| {
            let buffer = aligned(buffer, VALUES * (weights_value + products_value));
            let (weights, products) = buffer.split_at_mut(VALUES * weights_value);
            for inputs in pieces(self.inputs, most, GROUP) {
                Processor::this().run(WeightsJob {
                    weight: self.weight,
                    inputs_in_all: self.inputs,
                    inputs: inputs.clone(),
                    channels: channels.clone(),
                    to: weights,
                    value: weights_value,
                });
                for value in 0..VALUES {
                    let weights = &weights[value * weights_value..][..weights_value];
                    let products = &mut products[value * products_value..][..channels.len() * count];
                    for first in (0..count).step_by(PANEL) {
                        let width = PANEL.min(count - first);
                        let values = &values[value * (count * self.inputs + APART)
                            + first * self.inputs
                            + inputs.start * width..][..inputs.len() * width];
                        let panel = Panel {
                            a: weights.as_ptr(),
                            a_group: inputs.len().next_multiple_of(GROUP) * GROUP,
                            a_column: GROUP,
                            b: values.as_ptr(),
                            b_row: width,
                            c: products[first..].as_mut_ptr(),
                            c_row: count,
                            rows: channels.len(),
                            inner: inputs.len(),
                            columns: width,
                            add: inputs.start > 0,
                        };
                        // SAFETY: the slices are as long as the panel says: whole groups of rows of weights, rows of
                        // whole vectors of values, and a row of products for each channel.
                        Processor::this().run(unsafe { panel.job() });
                    }
                }
            }
            // SAFETY: the caller's promise.
            unsafe { self.results(channels, sixteens, products, products_value, room) };
        });
    }

    /// The results of some channels from their products, `[values, channels, tiles]`, whose values are `value` apart.
    ///
    /// # Safety
    ///
    /// As for [`Winograd::block`], of these channels.
    unsafe fn results(
        &self,
        channels: Range<usize>,
        sixteens: &[Vec<Run>],
        products: &[f32],
        value: usize,
        room: Room,
    ) {
        let count = sixteens.len() * TILES;
        for (index, channel) in channels.enumerate() {
            for (sixteen, runs) in sixteens.iter().enumerate() {
                let results = Results {
                    winograd: self,
                    products: &products[index * count + sixteen * TILES..],
                    value,
                    channel,
                    runs,
                    room,
                };
                // SAFETY: the caller's promise; each sixteen tiles have results of their own.
                Processor::this().run(unsafe { results.job() });
            }
        }
    }
}
