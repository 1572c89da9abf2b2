//! Results from products.

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use super::{Fours, PIXELS, RESULTS, Run, TILES, VALUES, Winograd};
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
    pub(super) runs: &'a [Run],
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
        let Self(this) = &self;
        assert!(this.products.len() >= (VALUES - 1) * this.value + TILES, "products of every value");
        let bias = this.winograd.bias.map_or(0.0, |bias| bias[this.channel]);
        // Rows of results, tile by tile.
        let mut results = [[0.0; TILES * RESULTS]; RESULTS];
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
                    let mut y = transforms::results(half[row]);
                    for y in &mut y {
                        *y = y.plus(L::splat(bias));
                    }
                    L::store_fours(y, results[row].as_mut_ptr().add(RESULTS * lane));
                }
            }
        }
        self.place(&results);
    }
}

impl ResultsJob<'_> {
    /// Rows of results to their places, of which some may be outside of the map.
    #[inline(always)]
    fn place(&self, results: &[Fours; RESULTS]) {
        let Self(this) = self;
        let Map { rows, columns, .. } = *this.winograd.map;
        for run in this.runs {
            let count = (run.count * RESULTS).min(columns - run.left);
            for (row, results) in results.iter().enumerate().take(rows - run.top) {
                let channel = run.sample * this.winograd.outputs + this.channel;
                let at = (channel * rows + run.top + row) * columns + run.left;
                let results = &results[run.first * RESULTS..][..count];
                // SAFETY: the places of this channel's tiles, as whoever made the job promised.
                let to = unsafe { this.room.part(at, count) };
                let residual = this.winograd.residual.map(|residual| &residual[at..][..count]);
                // Rows of known length save the loops.
                match (<&mut Fours>::try_from(&mut *to), <&Fours>::try_from(results)) {
                    (Ok(to), Ok(results)) => put(to, results, residual),
                    _ => put(to, results, residual),
                }
            }
        }
    }
}

/// `results`, and `residual` if there is one, to where they belong.
#[inline(always)]
fn put(to: &mut [f32], results: &[f32], residual: Option<&[f32]>) {
    match residual {
        Some(residual) => {
            to.iter_mut().zip(results.iter().zip(residual)).for_each(|(to, (y, x))| *to = y + x);
        }
        None => to.iter_mut().zip(results).for_each(|(to, y)| *to = *y),
    }
}
