//! Resizing as Pillow does it, to the bit.
//!
//! Two passes of one-dimensional weighted sums, each rounded to 8 bits, with weights in fixed point: other libraries
//! that skip the rounding between the passes, or round the weights otherwise, differ in a fifth of all bytes.
//!
//! Source: Pillow 13, `src/libImaging/Resample.c`.

use std::f64::consts::PI;

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
        if vertical_first((self.width(), self.height()), (width, height)) {
            self.resize_height(height, filter)?.resize_width(width, filter)
        } else {
            self.resize_width(width, filter)?.resize_height(height, filter)
        }
    }

    fn resize_width(&self, width: usize, filter: Filter) -> Option<Self> {
        if width == self.width() {
            return Some(self.clone());
        }
        let mut resized = Picture::black(width, self.height())?;
        let sums = sums(self.width(), width, filter);
        let rows = self.rgb().chunks_exact(3 * self.width());
        for (row, resized) in rows.zip(resized.rgb_mut().chunks_exact_mut(3 * width)) {
            for (sum, pixel) in sums.iter().zip(resized.as_chunks_mut::<3>().0) {
                let mut total = [HALF; 3];
                for (weight, met) in sum.weights.iter().zip(&row.as_chunks::<3>().0[sum.first..]) {
                    for (total, &value) in total.iter_mut().zip(met) {
                        *total += weight * i32::from(value);
                    }
                }
                *pixel = total.map(rounded);
            }
        }
        Some(resized)
    }

    fn resize_height(&self, height: usize, filter: Filter) -> Option<Self> {
        if height == self.height() {
            return Some(self.clone());
        }
        let mut resized = Picture::black(self.width(), height)?;
        let length = 3 * self.width();
        let mut totals = vec![0; length];
        let sums = sums(self.height(), height, filter);
        for (sum, resized) in sums.iter().zip(resized.rgb_mut().chunks_exact_mut(length)) {
            totals.fill(HALF);
            for (weight, row) in sum.weights.iter().zip(self.rgb().chunks_exact(length).skip(sum.first)) {
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

/// What to add to a sum of weighted bytes so that cutting off the bits after the point rounds it.
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

/// The pixels of a row of `to` pixels as sums of those of a row of `from`.
fn sums(from: usize, to: usize, filter: Filter) -> Vec<Sum> {
    let scale = from as f64 / to as f64;
    let widening = scale.max(1.0);
    let support = filter.support() * widening;
    let sum = |index| {
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
        Sum { first, weights: weights.into_iter().map(fixed).collect() }
    };
    (0..to).map(sum).collect()
}
