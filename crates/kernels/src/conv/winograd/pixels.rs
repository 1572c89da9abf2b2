//! The values of pixels.

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use super::{Fours, PIXELS, RESULTS, Run, TILES};
use crate::conv::fast::Map;
use crate::conv::transforms;
use crate::product::Room;
use crate::vectors::{Job, Lanes, prefetch};

/// The values of the pixels of up to [`TILES`] tiles of a channel.
pub(super) struct Pixels<'a> {
    /// The channel's `[height, width]` of the first sample, and all that follows.
    pub(super) x: &'a [f32],
    /// From a sample to the next.
    pub(super) sample: usize,
    pub(super) map: &'a Map,
    pub(super) runs: &'a [Run],
    /// Where the values go: the first of each sixteen at `first`, from value to value `value` further on.
    pub(super) to: Room,
    pub(super) first: usize,
    pub(super) value: usize,
}

impl<'a> Pixels<'a> {
    /// The transform as a job.
    ///
    /// # Safety
    ///
    /// The places of the values must lie inside of the room, and nobody else may use them until the job is done.
    pub(super) unsafe fn job(self) -> PixelsJob<'a> {
        PixelsJob(self)
    }
}

/// [`Pixels`] whose room somebody has vouched for.
pub(super) struct PixelsJob<'a>(Pixels<'a>);

/// A row of pixels of the tiles: the first four of each, and the four after them, of which two are a tile's.
type Row<'a> = [&'a Fours; 2];

impl Job for PixelsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self(this) = self;
        this.prefetch_next_channel();
        let mut copies;
        let rows = match this.rows_in_place() {
            Some(rows) => rows,
            None => {
                copies = [[[0.0; TILES * RESULTS]; 2]; PIXELS];
                this.copy_rows(&mut copies);
                std::array::from_fn(|row| [&copies[row][0], &copies[row][1]])
            }
        };
        for lane in (0..TILES).step_by(L::COUNT) {
            // SAFETY: `lane` and the lanes after it are below `TILES`, the length of every array; and whoever made the
            // job promised the places of the values.
            unsafe {
                let mut half = [[L::splat(0.0); PIXELS]; PIXELS];
                for row in 0..PIXELS {
                    let fours = L::load_fours(rows[row][0].as_ptr().add(RESULTS * lane));
                    let next = L::load_fours(rows[row][1].as_ptr().add(RESULTS * lane));
                    half[row] =
                        transforms::pixels([fours[0], fours[1], fours[2], fours[3], next[0], next[1]]);
                }
                for column in 0..PIXELS {
                    let mut d = [L::splat(0.0); PIXELS];
                    for row in 0..PIXELS {
                        d[row] = half[row][column];
                    }
                    let d = transforms::pixels(d);
                    for row in 0..PIXELS {
                        let at = this.first + (row * PIXELS + column) * this.value;
                        d[row].store(this.to.part(at, TILES).as_mut_ptr().add(lane));
                    }
                }
            }
        }
    }
}

impl Pixels<'_> {
    /// Asks for the same pixels of the next channel, which are far away.
    #[inline(always)]
    fn prefetch_next_channel(&self) {
        for run in self.runs {
            for row in (0..PIXELS).filter_map(|row| self.row(run, row)) {
                for pixel in (0..run.count * RESULTS).step_by(16) {
                    prefetch(row.as_ptr().wrapping_add(run.left + pixel + self.map.height * self.map.width));
                }
            }
        }
    }

    /// The rows of pixels where they lie, if all tiles are in a row and inside of it.
    #[inline(always)]
    fn rows_in_place(&self) -> Option<[Row<'_>; PIXELS]> {
        const ZEROS: &Fours = &[0.0; TILES * RESULTS];
        let [run @ Run { count: TILES, .. }] = self.runs else { return None };
        let left = run.left.checked_sub(self.map.place.before)?;
        let mut rows = [[ZEROS; 2]; PIXELS];
        for (row, fours) in rows.iter_mut().enumerate() {
            let Some(x) = self.row(run, row) else { continue };
            *fours = [x.get(left..)?.first_chunk()?, x.get(left + RESULTS..)?.first_chunk()?];
        }
        Some(rows)
    }

    /// The rows of pixels to `copies`, which are zeros, and stay so outside of the map.
    #[inline(always)]
    fn copy_rows(&self, copies: &mut [[Fours; 2]; PIXELS]) {
        let before = self.map.place.before;
        for run in self.runs {
            for (row, fours) in copies.iter_mut().enumerate() {
                let Some(x) = self.row(run, row) else { continue };
                for (next, fours) in fours.iter_mut().enumerate() {
                    let left = run.left + next * RESULTS;
                    let padding = before.saturating_sub(left).min(run.count * RESULTS);
                    let to = &mut fours[run.first * RESULTS..][padding..run.count * RESULTS];
                    let x = x.get((left + padding).saturating_sub(before)..).unwrap_or_default();
                    to.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
                }
            }
        }
    }

    /// A row of the map, the first of those that the tiles' pixels are in, or one below.
    #[inline(always)]
    fn row(&self, run: &Run, below: usize) -> Option<&[f32]> {
        let Map { height, width, place, .. } = *self.map;
        let row = (run.top + below).checked_sub(place.before).filter(|&row| row < height)?;
        Some(&self.x[run.sample * self.sample + row * width..][..width])
    }
}
