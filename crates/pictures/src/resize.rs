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
        if columns.end > width || rows.end > height {
            return None;
        }
        if vertical_first((self.width, self.height), (width, height)) {
            self.resize_height(height, filter, rows)?.resize_width(width, filter, columns)
        } else {
            self.resize_width(width, filter, columns)?.resize_height(height, filter, rows)
        }
    }

    fn resize_width(&self, width: usize, filter: Filter, columns: Range<usize>) -> Option<Self> {
        if width == self.width {
            return self.crop(columns.start as isize, 0, columns.len(), self.height);
        }
        let mut resized = Self::black(columns.len(), self.height)?;
        let sums: Vec<Sum> = columns.map(|index| Sum::new(index, self.width, width, filter)).collect();
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

    fn resize_height(&self, height: usize, filter: Filter, rows: Range<usize>) -> Option<Self> {
        if height == self.height {
            return self.crop(0, rows.start as isize, self.width, rows.len());
        }
        let mut resized = Self::black(self.width, rows.len())?;
        let length = 3 * self.width;
        let mut totals = vec![0; length];
        for (index, resized) in rows.zip(resized.rgb.chunks_exact_mut(length)) {
            let sum = Sum::new(index, self.height, height, filter);
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
fn vertical_first(from: (usize, usize), to: (usize, usize)) -> bool {
    let less = |from: usize, to: usize| from as i128 - to as i128;
    to.1 < from.1 && less(from.1, to.1) > 2 * less(from.0, to.0)
}

/// What to add to a sum of weighted bytes so that cutting off the bits after the point rounds it. Positive weights are
/// 1.29 together at most, so that 32 bits hold the sum.
const HALF: i32 = 1 << (BITS - 1);

fn rounded(total: i32) -> u8 {
    (total >> BITS).clamp(0, 255) as u8
}

/// One pixel of the result in one direction.
struct Sum {
    /// The first pixel that counts.
    first: usize,
    /// Weights of it and its neighbours in fixed point; together 1.
    weights: Vec<i32>,
}

impl Sum {
    /// Pixel `index` of `to` as a sum of `from` ones.
    fn new(index: usize, from: usize, to: usize, filter: Filter) -> Self {
        let scale = from as f64 / to as f64;
        let widening = scale.max(1.0);
        let support = filter.support() * widening;
        let centre = (index as f64 + 0.5) * scale;
        // Casts cut off, and stop at 0.
        let first = (centre - support + 0.5) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let distance = |pixel: usize| (pixel as f64 - centre + 0.5) * (1.0 / widening);
        let weights: Vec<f64> = (first..end).map(|pixel| filter.weight(distance(pixel))).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: f64| {
            let scaled = weight / total * f64::from(1 << BITS);
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Self { first, weights: weights.into_iter().map(fixed).collect() }
    }
}
