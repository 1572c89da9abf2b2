//! The values of pixels.

#![expect(clippy::needless_range_loop, reason = "squares are read by row and column")]

use super::{PIXELS, RESULTS, TILES};
use crate::conv::fast::Map;
use crate::conv::transforms;
use crate::product::Room;
use crate::vectors::{Job, Lanes};

/// The values of the pixels of [`TILES`] tiles of a channel.
pub(super) struct Pixels<'a> {
    /// `[height, width]`.
    pub(super) x: &'a [f32],
    pub(super) map: &'a Map,
    /// Row and column of the first result of each tile.
    pub(super) places: &'a [[usize; 2]; TILES],
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

impl Job for PixelsJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self(this) = self;
        let mut pixels = [[[0.0f32; TILES]; PIXELS]; PIXELS];
        this.gather(&mut pixels);
        for lane in (0..TILES).step_by(L::COUNT) {
            // SAFETY: `lane` and the lanes after it are below `TILES`, the length of every array; and whoever made the
            // job promised the places of the values.
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
                        let at = this.first + (row * PIXELS + column) * this.value;
                        d[column].store(this.to.part(at, TILES).as_mut_ptr().add(lane));
                    }
                }
            }
        }
    }
}

impl Pixels<'_> {
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
