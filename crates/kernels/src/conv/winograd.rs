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
use crate::IN_MIRI;
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
const INPUTS: usize = 128 / IN_MIRI;
/// Output channels whose products are held together, at most.
const CHANNELS: usize = 48;
/// Columns of a panel of values.
const PANEL: usize = 32;
/// Numbers between the values of a tile or a kernel, so that they do not all fall into the same lines of a cache.
const APART: usize = 16;

/// One sample: `x`, `[in, height, width]`, `weight`, `[out, in, 3, 3]`, into `result`, `[out, rows, columns]`.
pub(super) struct Winograd<'a> {
    pub(super) map: &'a Map,
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
        let tiles = self.map.rows.div_ceil(RESULTS) * self.tiles_in_row();
        self.map.kernel == 3 && self.map.place.stride == 1 && self.inputs >= 16 && tiles >= 9
    }

    pub(super) fn run(&self, result: &mut [f32]) {
        assert_eq!(self.x.len(), self.inputs * self.map.height * self.map.width, "pixels");
        assert_eq!(self.weight.len(), self.outputs * self.inputs * 9, "weights");
        assert_eq!(result.len(), self.outputs * self.map.rows * self.map.columns, "results");
        assert!(self.residual.is_none_or(|residual| residual.len() == result.len()), "residual");
        let room = Room::new(result);
        let tiles = self.map.rows.div_ceil(RESULTS) * self.tiles_in_row();
        let block = BLOCK.min(HELD / (VALUES * self.inputs)).max(TILES);
        pieces(tiles, block, TILES).into_par_iter().for_each(|tiles| {
            // SAFETY: the result was checked, it is borrowed for this call, and no tile is in two blocks.
            unsafe { self.block(tiles, room) };
        });
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
            let places = self.places(&tiles, count);
            (0..self.inputs).into_par_iter().with_min_len(8).for_each(|channel| {
                // SAFETY: there is room for every value of every channel, and each channel has its own.
                unsafe { self.transform_pixels(channel, &places, to) };
            });
            let values = &*values;
            pieces(self.outputs, channels, GROUP).into_par_iter().for_each(|channels| {
                // SAFETY: the caller's promise, and no channel is in two of these pieces.
                unsafe { self.channels(channels, tiles.clone(), count, values, room) };
            });
        });
    }

    /// Row and column of the first result of each of `count` tiles, sixteen by sixteen; the last one is repeated.
    fn places(&self, tiles: &Range<usize>, count: usize) -> Vec<[[usize; 2]; TILES]> {
        let place =
            |tile: usize| [tile / self.tiles_in_row() * RESULTS, tile % self.tiles_in_row() * RESULTS];
        let sixteen =
            |first: usize| std::array::from_fn(|i| place((tiles.start + first + i).min(tiles.end - 1)));
        (0..count).step_by(TILES).map(sixteen).collect()
    }

    /// Where the values of the tiles of a panel begin, for the first value: the panel's first tile times the inputs.
    /// Returns first tile and width of the panel that `tile` is in.
    fn panel_of(tile: usize, count: usize) -> (usize, usize) {
        let first = tile / PANEL * PANEL;
        (first, PANEL.min(count - first))
    }

    /// The values of a channel's pixels in the tiles at `places`.
    ///
    /// # Safety
    ///
    /// The room must be that of all values of these tiles, and nobody else may use what belongs to the channel meanwhile.
    unsafe fn transform_pixels(&self, channel: usize, places: &[[[usize; 2]; TILES]], to: Room) {
        let area = self.map.height * self.map.width;
        let count = places.len() * TILES;
        for (index, places) in places.iter().enumerate() {
            let first = index * TILES;
            let (panel, width) = Self::panel_of(first, count);
            let pixels = Pixels {
                x: &self.x[channel * area..][..area],
                map: self.map,
                places,
                to,
                first: panel * self.inputs + channel * width + first - panel,
                value: count * self.inputs + APART,
            };
            // SAFETY: the caller's promise; every sixteen tiles have numbers of their own in each of the values.
            Processor::this().run(unsafe { pixels.job() });
        }
    }

    /// Results of some output channels.
    ///
    /// # Safety
    ///
    /// As for [`Winograd::block`], of these channels.
    unsafe fn channels(
        &self,
        channels: Range<usize>,
        tiles: Range<usize>,
        count: usize,
        values: &[f32],
        room: Room,
    ) {
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
            unsafe { self.results(channels, tiles, products, count, products_value, room) };
        });
    }

    /// The results of some channels from their products, `[values, channels, count]`, whose values are `value` apart.
    ///
    /// # Safety
    ///
    /// As for [`Winograd::block`], of these channels.
    unsafe fn results(
        &self,
        channels: Range<usize>,
        tiles: Range<usize>,
        products: &[f32],
        count: usize,
        value: usize,
        room: Room,
    ) {
        for (index, channel) in channels.enumerate() {
            for first in (0..tiles.len()).step_by(TILES) {
                let results = Results {
                    winograd: self,
                    products: &products[index * count + first..],
                    value,
                    channel,
                    tiles: tiles.start + first..tiles.end.min(tiles.start + first + TILES),
                    room,
                };
                // SAFETY: the caller's promise; each sixteen tiles have results of their own.
                Processor::this().run(unsafe { results.job() });
            }
        }
    }
}
