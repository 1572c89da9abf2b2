//! The same with the processor's tiles, which want pixels and weights cut.

use std::ops::Range;

use rayon::prelude::*;

use super::pixels::PixelsJob;
use super::weights::WeightsJob;
use super::{APART, TILES, VALUES, Winograd};
use crate::product::amx::{SIDE, Tiles, cut_columns, cut_len, cut_rows};
use crate::product::{Room, aligned, pieces, with_scratch};
use crate::vectors::Processor;

/// Tiles of a block, at most.
const BLOCK: usize = 256;
/// Numbers of the cut values of a block's pixels, at most about: 48 MiB.
const HELD: usize = 12 << 20;
/// Output channels whose products are held together, at most.
const CHANNELS: usize = 64;
/// Input channels whose weights are cut together.
const INPUTS: usize = 128;
/// Between a few inputs and the tiles of a panel, or a few outputs.
const SQUARE: usize = SIDE * SIDE;

impl Winograd<'_> {
    pub(super) fn run_tiled(&self, tiles: usize, room: Room) {
        let held = HELD / (VALUES * cut_len(self.inputs)) * SIDE;
        pieces(tiles, BLOCK.min(held).max(SIDE), SIDE)
            .into_par_iter()
            .for_each(|tiles| self.block_tiled(tiles, room));
    }

    /// The results of some tiles, which nobody else writes.
    fn block_tiled(&self, tiles: Range<usize>, room: Room) {
        let panels = tiles.len().div_ceil(SIDE);
        let panel = cut_len(self.inputs);
        with_scratch(|buffer| {
            // [values, panels, cut]
            let values = aligned(buffer, VALUES * panels * panel);
            let to = Room::new(values);
            let places = self.places(&tiles, panels * SIDE);
            let steps = self.inputs.div_ceil(SIDE);
            (0..panels * steps).into_par_iter().for_each(|index| {
                let (at, step) = (index / steps, index % steps);
                let inputs = step * SIDE..self.inputs.min((step + 1) * SIDE);
                self.cut_pixels(inputs, &places[at * SIDE / TILES..][..SIDE / TILES], |value, pixels| {
                    let start = (value * panels + at) * panel + step * cut_len(SIDE);
                    // SAFETY: every step of every panel of every value has a place of its own.
                    cut_columns(pixels, unsafe { to.part(start, cut_len(SIDE)) });
                });
            });
            let values = &*values;
            pieces(self.outputs, CHANNELS, SIDE).into_par_iter().for_each(|channels| {
                self.channels_tiled(channels, tiles.clone(), values, room);
            });
        });
    }

    /// Gives `take` each of the values of the pixels of a few inputs in the tiles at `places`, `[SIDE, SIDE]`.
    fn cut_pixels(&self, inputs: Range<usize>, places: &[[[usize; 2]; TILES]], take: impl Fn(usize, &[f32])) {
        let area = self.map.height * self.map.width;
        let value = SQUARE + APART;
        with_scratch(|buffer| {
            let pixels = aligned(buffer, VALUES * value);
            if inputs.len() < SIDE {
                pixels.fill(0.0);
            }
            let to = Room::new(pixels);
            for (index, channel) in inputs.enumerate() {
                for (half, places) in places.iter().enumerate() {
                    Processor::this().run(PixelsJob {
                        x: &self.x[channel * area..][..area],
                        map: self.map,
                        places,
                        to,
                        first: index * SIDE + half * TILES,
                        value,
                    });
                }
            }
            for (index, pixels) in pixels.chunks_exact(value).enumerate() {
                take(index, &pixels[..SQUARE]);
            }
        });
    }

    /// Results of some output channels.
    fn channels_tiled(&self, channels: Range<usize>, tiles: Range<usize>, values: &[f32], room: Room) {
        let panels = tiles.len().div_ceil(SIDE);
        let (panel, count) = (cut_len(self.inputs), panels * SIDE);
        let most = INPUTS.min(self.inputs.next_multiple_of(SIDE));
        let rows = channels.len().div_ceil(SIDE);
        let square = SQUARE + APART;
        let products_value = channels.len() * count + APART;
        with_scratch(|buffer| {
            let buffer = aligned(buffer, VALUES * (square + rows * cut_len(most) + products_value));
            let (wide, buffer) = buffer.split_at_mut(VALUES * square);
            let (cut, products) = buffer.split_at_mut(VALUES * rows * cut_len(most));
            for inputs in pieces(self.inputs, most, SIDE) {
                let length = cut_len(inputs.len());
                for (row, first) in channels.clone().step_by(SIDE).enumerate() {
                    let channels = first..channels.end.min(first + SIDE);
                    for (step, first) in inputs.clone().step_by(SIDE).enumerate() {
                        let inputs = first..inputs.end.min(first + SIDE);
                        self.cut_weights(channels.clone(), inputs, wide, |value, weights| {
                            let start = (value * rows + row) * length + step * cut_len(SIDE);
                            cut_rows(weights, SIDE, &mut cut[start..][..cut_len(SIDE)]);
                        });
                    }
                }
                let multiply = Tiles::new();
                let before = inputs.start / SIDE * cut_len(SIDE);
                for value in 0..VALUES {
                    let products = &mut products[value * products_value..][..channels.len() * count];
                    for at in 0..panels {
                        let pixels = &values[(value * panels + at) * panel + before..][..length];
                        for row in 0..rows {
                            let weights = &cut[(value * rows + row) * length..][..length];
                            let products = &mut products[row * SIDE * count + at * SIDE..];
                            let rows = SIDE.min(channels.len() - row * SIDE);
                            assert!(products.len() >= (rows - 1) * count + SIDE, "room for the products");
                            // SAFETY: there is, for so many rows.
                            unsafe {
                                multiply.multiply(
                                    weights,
                                    pixels,
                                    products.as_mut_ptr(),
                                    count,
                                    rows,
                                    SIDE,
                                    inputs.start > 0,
                                );
                            }
                        }
                    }
                }
            }
            self.results(channels, tiles, products, count, products_value, room);
        });
    }

    /// Gives `take` each of the values of the weights between a few channels, `[SIDE, SIDE]`.
    fn cut_weights(
        &self,
        channels: Range<usize>,
        inputs: Range<usize>,
        wide: &mut [f32],
        mut take: impl FnMut(usize, &[f32]),
    ) {
        let value = SQUARE + APART;
        if channels.len() < SIDE || inputs.len() < SIDE {
            wide.fill(0.0);
        }
        Processor::this().run(WeightsJob::<1> {
            weight: self.weight,
            inputs_in_all: self.inputs,
            inputs,
            in_row: SIDE,
            channels,
            to: wide,
            value,
        });
        for (index, weights) in wide.chunks_exact(value).enumerate() {
            take(index, &weights[..SQUARE]);
        }
    }
}
