//! Resizing as Pillow does it, to the bit.
//!
//! Two passes of one-dimensional weighted sums, each rounded to 8 bits, with weights in fixed point: other libraries
//! that skip the rounding between the passes, or round the weights otherwise, differ in a fifth of all bytes.
//!
//! Source: Pillow 13, `src/libImaging/Resample.c`.

use std::f64::consts::PI;
use std::ops::Range;

use crate::Picture;

/// What a pixel is a weighted sum of: for shrinking, all filters are widened by the factor of the shrinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle over two pixels.
    Bilinear,
    /// Cubic convolution with a = -1/2 over four pixels. CLIP's choice.
    Bicubic,
    /// sinc(x) · sinc(x / 3) over six pixels. The choice for a picture to be repainted.
    Lanczos,
}

impl Filter {
    /// Pixels on each side that count.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The weight of a pixel at the distance `x`.
    fn weight(self, x: f64) -> f64 {
        let far = x.abs();
        match self {
            Self::Bilinear if far < 1.0 => 1.0 - far,
            Self::Bicubic if far < 1.0 => ((A + 2.0) * far - (A + 3.0)) * far * far + 1.0,
            Self::Bicubic if far < 2.0 => (((far - 5.0) * far + 8.0) * far - 4.0) * A,
            Self::Lanczos if far < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

/// The slope of the cubic at a distance of 1.
const A: f64 = -0.5;
/// Bits of a weight after the point.
const BITS: u32 = 22;

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}

impl Picture {
    /// The picture in another size, its aspect changed if need be; `None` if a side is zero, or there is no memory for
    /// it.
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Option<Self> {
        self.resize_part((width, height), filter, 0..width, 0..height)
    }

    /// Those `columns` and `rows` of the picture that [`Picture::resize`] would make, at the cost of these alone: a
    /// very long picture becomes an enormous one before its middle is cut out. `None` also if they are none, or beyond
    /// its sides.
    pub fn resize_part(
        &self,
        (width, height): (usize, usize),
        filter: Filter,
        columns: Range<usize>,
        rows: Range<usize>,
    ) -> Option<Self> {
        if columns.is_empty() || rows.is_empty() || columns.end > width || rows.end > height {
            return None;
        }
        let x = Axis { from: self.width, to: width, filter, part: columns };
        let y = Axis { from: self.height, to: height, filter, part: rows };
        let (left, top) = (x.used(), y.used());
        let used = self.crop(left.start as isize, top.start as isize, left.len(), top.len())?;
        if vertical_first(&x, &y) {
            used.sums_of_rows(&y)?.sums_of_columns(&x)
        } else {
            used.sums_of_columns(&x)?.sums_of_rows(&y)
        }
    }

    fn sums_of_columns(self, x: &Axis) -> Option<Self> {
        if x.stays() {
            return Some(self);
        }
        let mut resized = Self::black(x.part.len(), self.height)?;
        let sums: Vec<Sum> = x.sums().collect();
        let rows = self.rgb.chunks_exact(3 * self.width);
        for (row, resized) in rows.zip(resized.rgb.chunks_exact_mut(3 * sums.len())) {
            let row = row.as_chunks::<3>().0;
            for (sum, pixel) in sums.iter().zip(resized.as_chunks_mut::<3>().0) {
                let mut total = [HALF; 3];
                for (weight, met) in sum.weights.iter().zip(&row[sum.first..]) {
                    for (total, &value) in total.iter_mut().zip(met) {
                        *total += weight * i32::from(value);
                    }
                }
                *pixel = total.map(rounded);
            }
        }
        Some(resized)
    }

    fn sums_of_rows(self, y: &Axis) -> Option<Self> {
        if y.stays() {
            return Some(self);
        }
        let mut resized = Self::black(self.width, y.part.len())?;
        let length = 3 * self.width;
        let mut totals = vec![0; length];
        for (sum, resized) in y.sums().zip(resized.rgb.chunks_exact_mut(length)) {
            totals.fill(HALF);
            for (weight, row) in sum.weights.iter().zip(self.rgb.chunks_exact(length).skip(sum.first)) {
                for (total, &value) in totals.iter_mut().zip(row) {
                    *total += weight * i32::from(value);
                }
            }
            for (value, &total) in resized.iter_mut().zip(&totals) {
                *value = rounded(total);
            }
        }
        Some(resized)
    }
}

/// Whether a picture is resized in height before it is in width. The order shows, because the first pass is rounded.
///
/// Only since Pillow 13; before, the width was always first.
fn vertical_first(x: &Axis, y: &Axis) -> bool {
    let less = |axis: &Axis| axis.from as i128 - axis.to as i128;
    y.to < y.from && less(y) > 2 * less(x)
}

/// What to add to a sum of weighted bytes so that cutting off the bits after the point rounds it. Positive weights are
/// 1.29 together at most, so that 32 bits hold the sum.
const HALF: i32 = 1 << (BITS - 1);

fn rounded(total: i32) -> u8 {
    (total >> BITS).clamp(0, 255) as u8
}

/// One direction of a resizing, of a row of `from` pixels to a `part` of a row of `to`.
struct Axis {
    from: usize,
    to: usize,
    filter: Filter,
    part: Range<usize>,
}

impl Axis {
    /// Whether nothing changes, so that there is no pass.
    fn stays(&self) -> bool {
        self.from == self.to
    }

    /// The pixels that the part is made of.
    fn used(&self) -> Range<usize> {
        if self.stays() {
            return self.part.clone();
        }
        self.met(self.part.start).start..self.met(self.part.end - 1).end
    }

    /// Every pixel of the part as a sum of the used ones.
    fn sums(&self) -> impl Iterator<Item = Sum> {
        let skipped = self.used().start;
        self.part.clone().map(move |index| {
            let met = self.met(index);
            Sum { first: met.start - skipped, weights: self.weights(index, met) }
        })
    }

    /// How many pixels become one.
    fn scale(&self) -> f64 {
        self.from as f64 / self.to as f64
    }

    /// How much wider the filter is than over neighbouring pixels.
    fn widening(&self) -> f64 {
        self.scale().max(1.0)
    }

    /// Where the middle of pixel `index` lies among the pixels before.
    fn centre(&self, index: usize) -> f64 {
        (index as f64 + 0.5) * self.scale()
    }

    /// The pixels that pixel `index` is a sum of.
    fn met(&self, index: usize) -> Range<usize> {
        let (centre, support) = (self.centre(index), self.filter.support() * self.widening());
        // Casts cut off, and stop at 0.
        let (first, end) = ((centre - support + 0.5) as usize, (centre + support + 0.5) as usize);
        first..end.min(self.from)
    }

    /// Weights in fixed point of the pixels `met`, together 1.
    fn weights(&self, index: usize, met: Range<usize>) -> Vec<i32> {
        let (centre, narrowing) = (self.centre(index), 1.0 / self.widening());
        let weight = |pixel: usize| self.filter.weight((pixel as f64 - centre + 0.5) * narrowing);
        let weights: Vec<f64> = met.map(weight).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: f64| {
            let scaled = weight / total * f64::from(1 << BITS);
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        weights.into_iter().map(fixed).collect()
    }
}

/// One pixel of the result in one direction.
struct Sum {
    /// The first pixel that counts.
    first: usize,
    /// Weights of it and its neighbours.
    weights: Vec<i32>,
}
