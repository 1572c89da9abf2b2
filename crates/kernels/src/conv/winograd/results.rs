//! Results from products.

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use std::ops::Range;

use super::{PIXELS, RESULTS, TILES, VALUES, Winograd};
use crate::conv::fast::Map;
use crate::conv::transforms;
use crate::product::Room;
use crate::vectors::{Job, Lanes};

/// The results of up to [`TILES`] tiles of a channel.
pub(super) struct Results<'a> {
    pub(super) winograd: &'a Winograd<'a>,
    /// Of the first tile; the values are `value` apart.
    pub(super) products: &'a [f32],
    pub(super) value: usize,
    pub(super) channel: usize,
    pub(super) tiles: Range<usize>,
    pub(super) room: Room,
}

impl<'a> Results<'a> {
    /// The transform as a job.
    ///
    /// # Safety
    ///
    /// The room must be that of the result of `winograd`, and nobody else may use what belongs to these tiles of the
    /// channel until the job is done.
    pub(super) unsafe fn job(self) -> ResultsJob<'a> {
        ResultsJob(self)
    }
}

/// [`Results`] whose room somebody has vouched for.
pub(super) struct ResultsJob<'a>(Results<'a>);

impl Job for ResultsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self(this) = self;
        assert!(this.products.len() >= (VALUES - 1) * this.value + TILES, "products of every value");
        let bias = this.winograd.bias.map_or(0.0, |bias| bias[this.channel]);
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
                            L::load(this.products.as_ptr().add((row * PIXELS + column) * this.value + lane));
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
        // SAFETY: whoever made the job promised it.
        unsafe { this.scatter(&results) };
    }
}

impl Results<'_> {
    /// # Safety
    ///
    /// As for [`Results::job`].
    #[inline(always)]
    unsafe fn scatter(&self, results: &[[[f32; TILES]; RESULTS]; RESULTS]) {
        let Map { rows, columns, .. } = *self.winograd.map;
        let in_row = self.winograd.tiles_in_row();
        let start = self.channel * rows * columns;
        let (top, left) = (self.tiles.start / in_row * RESULTS, self.tiles.start % in_row * RESULTS);
        if self.tiles.len() == TILES && left + TILES * RESULTS <= columns {
            for (row, results) in results.iter().enumerate().take(rows - top) {
                let at = start + (top + row) * columns + left;
                // SAFETY: the caller's promise, for these results belong to the channel's tiles.
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
                // SAFETY: the caller's promise, for these results belong to the channel's tiles.
                let to = unsafe { self.room.part(at, count) };
                for (column, to) in to.iter_mut().enumerate() {
                    *to = results[row][column][lane] + self.winograd.residual.map_or(0.0, |r| r[at + column]);
                }
            }
        }
    }
}
