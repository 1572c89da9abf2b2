//! Cutting out a rectangle.

use std::ops::Range;

use crate::Picture;

impl Picture {
    /// The rectangle whose top left corner is `left` pixels right of the picture's and `top` below it. What lies
    /// outside of the picture is black. `None` if a side is zero, or there is no memory for it.
    pub fn crop(&self, left: isize, top: isize, width: usize, height: usize) -> Option<Self> {
        let mut cropped = Picture::black(width, height)?;
        let (columns, right) = overlap(left, width, self.width);
        let (rows, down) = overlap(top, height, self.height);
        let count = 3 * columns.len();
        for (y, row) in rows.enumerate() {
            let from = &self.rgb[3 * (row * self.width + columns.start)..][..count];
            cropped.rgb[3 * ((down + y) * width + right)..][..count].copy_from_slice(from);
        }
        Some(cropped)
    }

    /// The largest rectangle around the centre whose sides are as `width` to `height`; `None` if one of these is zero.
    ///
    /// Edges between two pixels are rounded each by itself, halves to the even neighbour, so that the rectangle may be
    /// a pixel longer than its aspect: the square in a picture of 512×511 is all of it. So the reference crops a picture
    /// that is to be repainted. Where it would be left with nothing, as of 1×4, a pixel remains here.
    ///
    /// Source: diffusers `pipelines/deprecated/stable_diffusion_gligen`, `target_size_center_crop`, for a square.
    pub fn centre_crop_to_aspect(&self, width: usize, height: usize) -> Option<Self> {
        if width == 0 || height == 0 {
            return None;
        }
        let (columns, rows) = (self.width, self.height);
        // Compares columns / width with rows / height, in whole numbers.
        let (across, down) = (columns as u128 * height as u128, rows as u128 * width as u128);
        let x = if across > down { middle(across, down, height) } else { 0..columns };
        let y = if across < down { middle(down, across, width) } else { 0..rows };
        self.crop(x.start as isize, y.start as isize, x.len(), y.len())
    }
}

/// The pixels of a row of `length` that are among the `count` ones from `start` on, and the place of the first of them
/// there.
fn overlap(start: isize, count: usize, length: usize) -> (Range<usize>, usize) {
    let distance = start.unsigned_abs();
    if start < 0 {
        (0..count.saturating_sub(distance).min(length), distance.min(count))
    } else {
        let first = distance.min(length);
        (first..first + count.min(length - first), 0)
    }
}

/// The middle `part` of `whole`, at least one pixel, where a pixel is `unit` long.
fn middle(whole: u128, part: u128, unit: usize) -> Range<usize> {
    let edge = |twice: u128| {
        let (pixels, rest) = (twice / (2 * unit as u128), twice % (2 * unit as u128));
        let up = rest > unit as u128 || (rest == unit as u128 && pixels % 2 == 1);
        (pixels + u128::from(up)) as usize
    };
    let (first, end) = (edge(whole - part), edge(whole + part));
    first..end.max(first + 1)
}
