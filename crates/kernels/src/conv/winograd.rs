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

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use std::ops::Range;

use rayon::prelude::*;

use super::fast::Map;
use super::transforms;
use crate::numbers::Numbers;
use crate::product::tile::{GROUP, Panel};
use crate::product::{Room, aligned, pieces, with_scratch};
use crate::vectors::{Job, Lanes, Processor};

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
        pieces(tiles, block, TILES).into_par_iter().for_each(|tiles| self.block(tiles, room));
    }

    fn tiles_in_row(&self) -> usize {
        self.map.columns.div_ceil(RESULTS)
    }

    /// The results of some tiles, which nobody else writes.
    fn block(&self, tiles: Range<usize>, room: Room) {
        let count = tiles.len().next_multiple_of(TILES);
        let channels = (PRODUCTS / (VALUES * count) / 12 * 12).clamp(12, CHANNELS);
        with_scratch(|buffer| {
            // [values, panels, in, tiles of a panel]
            let value = count * self.inputs + APART;
            let values = aligned(buffer, VALUES * value);
            let to = Room::new(values);
            // Row and column of the first result of each tile, sixteen by sixteen; the last one is repeated.
            let places: Vec<[[usize; 2]; TILES]> = (0..count)
                .step_by(TILES)
                .map(|first| {
                    std::array::from_fn(|i| {
                        let tile = (tiles.start + first + i).min(tiles.end - 1);
                        [tile / self.tiles_in_row() * RESULTS, tile % self.tiles_in_row() * RESULTS]
                    })
                })
                .collect();
            (0..self.inputs).into_par_iter().with_min_len(8).for_each(|channel| {
                self.transform_pixels(channel, &places, to);
            });
            let values = &*values;
            pieces(self.outputs, channels, GROUP).into_par_iter().for_each(|channels| {
                self.channels(channels, tiles.clone(), count, values, room);
            });
        });
    }

    /// Where the values of the tiles of a panel begin, for the first value: the panel's first tile times the inputs.
    /// Returns first tile and width of the panel that `tile` is in.
    fn panel_of(tile: usize, count: usize) -> (usize, usize) {
        let first = tile / PANEL * PANEL;
        (first, PANEL.min(count - first))
    }

    /// The values of a channel's pixels in the tiles at `places`.
    fn transform_pixels(&self, channel: usize, places: &[[[usize; 2]; TILES]], to: Room) {
        let area = self.map.height * self.map.width;
        let count = places.len() * TILES;
        for (index, places) in places.iter().enumerate() {
            let first = index * TILES;
            let (panel, width) = Self::panel_of(first, count);
            Processor::this().run(PixelsJob {
                x: &self.x[channel * area..][..area],
                map: self.map,
                places,
                to,
                first: panel * self.inputs + channel * width + first - panel,
                value: count * self.inputs + APART,
            });
        }
    }

    /// Results of some output channels.
    fn channels(
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
            for (index, channel) in channels.clone().enumerate() {
                for first in (0..tiles.len()).step_by(TILES) {
                    Processor::this().run(ResultsJob {
                        winograd: self,
                        products: &products[index * count + first..],
                        value: products_value,
                        channel,
                        tiles: tiles.start + first..tiles.end.min(tiles.start + first + TILES),
                        room,
                    });
                }
            }
        });
    }
}

/// The values of the pixels of [`TILES`] tiles of a channel.
struct PixelsJob<'a> {
    /// `[height, width]`.
    x: &'a [f32],
    map: &'a Map,
    /// Row and column of the first result of each tile.
    places: &'a [[usize; 2]; TILES],
    /// Where the values go: the first of each sixteen at `first`, from value to value `value` further on. Nobody else
    /// writes there.
    to: Room,
    first: usize,
    value: usize,
}

impl Job for PixelsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut pixels = [[[0.0f32; TILES]; PIXELS]; PIXELS];
        self.gather(&mut pixels);
        for lane in (0..TILES).step_by(L::COUNT) {
            // SAFETY: `lane` and the lanes after it are below `TILES`, the length of every array; and every channel and
            // every sixteen tiles have numbers of their own in each of the values.
            unsafe {
                let mut half = [[L::splat(0.0); PIXELS]; PIXELS];
                for column in 0..PIXELS {
                    let mut d = [L::splat(0.0); PIXELS];
                    for row in 0..PIXELS {
                        d[row] = L::load(pixels[row][column].as_ptr().add(lane));
                    }
                    let d = transforms::pixels(d);
                    for row in 0..PIXELS {
                        half[row][column] = d[row];
                    }
                }
                for row in 0..PIXELS {
                    let d = transforms::pixels(half[row]);
                    for column in 0..PIXELS {
                        let at = self.first + (row * PIXELS + column) * self.value;
                        d[column].store(self.to.part(at, TILES).as_mut_ptr().add(lane));
                    }
                }
            }
        }
    }
}

impl PixelsJob<'_> {
    /// Pixel by pixel the [`TILES`] tiles; zeros outside of the map.
    #[inline(always)]
    fn gather(&self, pixels: &mut [[[f32; TILES]; PIXELS]; PIXELS]) {
        /// Pixels in a row of tiles beside each other.
        const ROW: usize = TILES * RESULTS + PIXELS - RESULTS;
        let Map { height, width, place, .. } = *self.map;
        let [[top, left], [last_top, last_left]] = [self.places[0], self.places[TILES - 1]];
        if top == last_top && last_left == left + RESULTS * (TILES - 1) {
            let skip = place.before.saturating_sub(left).min(ROW);
            let from = (left + skip).saturating_sub(place.before).min(width);
            let count = (ROW - skip).min(width - from);
            for (row, pixels) in pixels.iter_mut().enumerate() {
                let Some(y) = (top + row).checked_sub(place.before).filter(|&y| y < height) else { continue };
                let x = &self.x[y * width..][from..from + count];
                let mut line = [0.0; ROW];
                let line = match x.first_chunk::<ROW>() {
                    Some(x) => x,
                    None => {
                        // At a border, where few are missing, a copy of known length saves the call.
                        const MOST: usize = TILES * RESULTS;
                        let done = x.first_chunk::<MOST>().map_or(0, |x| {
                            line[skip..][..MOST].copy_from_slice(x);
                            MOST
                        });
                        line[skip + done..].iter_mut().zip(&x[done..]).for_each(|(to, x)| *to = *x);
                        &line
                    }
                };
                for tile in 0..TILES {
                    for column in 0..PIXELS {
                        pixels[column][tile] = line[tile * RESULTS + column];
                    }
                }
            }
            return;
        }
        for (tile, &[top, left]) in self.places.iter().enumerate() {
            for row in 0..PIXELS {
                let Some(y) = (top + row).checked_sub(place.before).filter(|&y| y < height) else { continue };
                let x = &self.x[y * width..][..width];
                for column in 0..PIXELS {
                    let at = (left + column).checked_sub(place.before);
                    pixels[row][column][tile] = at.and_then(|at| x.get(at)).copied().unwrap_or(0.0);
                }
            }
        }
    }
}

/// The values of the weights between some channels: `[values, groups of out, in, GROUP]`.
struct WeightsJob<'a> {
    weight: Numbers<'a>,
    inputs_in_all: usize,
    inputs: Range<usize>,
    channels: Range<usize>,
    to: &'a mut [f32],
    /// From a value to the next.
    value: usize,
}

impl Job for WeightsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        const KERNEL: usize = 3;
        /// Kernels between four inputs and four outputs.
        const LANES: usize = GROUP * GROUP;
        let value = self.value;
        let inputs = self.inputs.len().next_multiple_of(GROUP);
        let mut wide = [0.0; INPUTS * KERNEL * KERNEL];
        for (group, channel) in self.channels.clone().step_by(GROUP).enumerate() {
            // All before any is read: a vector that is read right after its parts were written waits for them.
            let mut kernels = [[[0.0f32; LANES]; KERNEL * KERNEL]; INPUTS / GROUP];
            for o in 0..GROUP.min(self.channels.end - channel) {
                let start = ((channel + o) * self.inputs_in_all + self.inputs.start) * 9;
                let row = self.weight.read(start..start + self.inputs.len() * 9, &mut wide);
                let row = row.as_chunks::<9>().0;
                for (row, kernels) in row.chunks(GROUP).zip(&mut kernels) {
                    for (i, kernel) in row.iter().enumerate() {
                        for (&weight, kernel) in kernel.iter().zip(kernels.iter_mut()) {
                            kernel[i * GROUP + o] = weight;
                        }
                    }
                }
            }
            for (input, kernels) in (0..inputs).step_by(GROUP).zip(&kernels) {
                let to = &mut self.to[group * inputs * GROUP + input * GROUP..];
                assert!(to.len() >= (VALUES - 1) * value + LANES, "room for the values");
                for lane in (0..LANES).step_by(L::COUNT) {
                    // SAFETY: `lane` and the lanes after it are below `LANES`, the length of every array, and the
                    // room was checked.
                    unsafe {
                        let mut half = [[L::splat(0.0); KERNEL]; PIXELS];
                        for column in 0..KERNEL {
                            let at = |row: usize| L::load(kernels[row * KERNEL + column].as_ptr().add(lane));
                            let g = transforms::weights([at(0), at(1), at(2)]);
                            for row in 0..PIXELS {
                                half[row][column] = g[row];
                            }
                        }
                        for row in 0..PIXELS {
                            let g = transforms::weights(half[row]);
                            for column in 0..PIXELS {
                                g[column].store(to.as_mut_ptr().add((row * PIXELS + column) * value + lane));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The results of up to [`TILES`] tiles of a channel.
struct ResultsJob<'a> {
    winograd: &'a Winograd<'a>,
    /// Of the first tile; the values are `value` apart.
    products: &'a [f32],
    value: usize,
    channel: usize,
    tiles: Range<usize>,
    room: Room,
}

impl Job for ResultsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        assert!(self.products.len() >= (VALUES - 1) * self.value + TILES, "products of every value");
        let bias = self.winograd.bias.map_or(0.0, |bias| bias[self.channel]);
        // Of each of the four rows the results of a column for all tiles.
        let mut results = [[[0.0f32; TILES]; RESULTS]; RESULTS];
        for lane in (0..TILES).step_by(L::COUNT) {
            // SAFETY: `lane` and the lanes after it are below `TILES`; the products were checked.
            unsafe {
                let mut half = [[L::splat(0.0); PIXELS]; RESULTS];
                for column in 0..PIXELS {
                    let mut m = [L::splat(0.0); PIXELS];
                    for row in 0..PIXELS {
                        m[row] =
                            L::load(self.products.as_ptr().add((row * PIXELS + column) * self.value + lane));
                    }
                    let m = transforms::results(m);
                    for row in 0..RESULTS {
                        half[row][column] = m[row];
                    }
                }
                for row in 0..RESULTS {
                    let y = transforms::results(half[row]);
                    for column in 0..RESULTS {
                        y[column].plus(L::splat(bias)).store(results[row][column].as_mut_ptr().add(lane));
                    }
                }
            }
        }
        self.scatter(&results);
    }
}

impl ResultsJob<'_> {
    #[inline(always)]
    fn scatter(&self, results: &[[[f32; TILES]; RESULTS]; RESULTS]) {
        let Map { rows, columns, .. } = *self.winograd.map;
        let in_row = self.winograd.tiles_in_row();
        let start = self.channel * rows * columns;
        let (top, left) = (self.tiles.start / in_row * RESULTS, self.tiles.start % in_row * RESULTS);
        if self.tiles.len() == TILES && left + TILES * RESULTS <= columns {
            for (row, results) in results.iter().enumerate().take(rows - top) {
                let at = start + (top + row) * columns + left;
                // SAFETY: these results belong to this channel's tiles alone.
                let to = unsafe { self.room.part(at, TILES * RESULTS) };
                for tile in 0..TILES {
                    for column in 0..RESULTS {
                        to[tile * RESULTS + column] = results[column][tile];
                    }
                }
                if let Some(residual) = self.winograd.residual {
                    to.iter_mut().zip(&residual[at..]).for_each(|(to, x)| *to += x);
                }
            }
            return;
        }
        for (lane, tile) in self.tiles.clone().enumerate() {
            let (top, left) = (tile / in_row * RESULTS, tile % in_row * RESULTS);
            for row in 0..RESULTS.min(rows - top) {
                let count = RESULTS.min(columns - left);
                let at = start + (top + row) * columns + left;
                // SAFETY: these results belong to this channel's tiles alone.
                let to = unsafe { self.room.part(at, count) };
                for (column, to) in to.iter_mut().enumerate() {
                    *to = results[row][column][lane] + self.winograd.residual.map_or(0.0, |r| r[at + column]);
                }
            }
        }
    }
}
