//! The values of weights.

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use std::ops::Range;

use super::{INPUTS, PIXELS, VALUES};
use crate::conv::transforms;
use crate::numbers::Numbers;
use crate::product::tile::GROUP;
use crate::vectors::{Job, Lanes};

/// The values of the weights between some channels: `[values, groups of out, in, GROUP]`.
pub(super) struct WeightsJob<'a> {
    pub(super) weight: Numbers<'a>,
    pub(super) inputs_in_all: usize,
    pub(super) inputs: Range<usize>,
    pub(super) channels: Range<usize>,
    pub(super) to: &'a mut [f32],
    /// From a value to the next.
    pub(super) value: usize,
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
                let to = &mut self.to[(group * inputs + input) * GROUP..];
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
