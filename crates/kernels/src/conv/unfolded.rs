//! The pixels that a kernel meets as the columns of a matrix (im2col), of which only pieces ever exist.

use std::ops::Range;

use rayon::prelude::*;

use super::fast::Map;
use crate::matrix::copy_short;
use crate::product::Columns;

/// `[in · kernel · kernel, places]` of one sample.
pub(super) struct Unfolded<'a> {
    map: &'a Map,
    inputs: usize,
    /// `[in, height, stride, pixels]`: of each row first the pixels that are a multiple of the stride from its left
    /// border's first zero, then those beside them, and so on, with the zeros of the border among them. What a row of
    /// places meets then lies together.
    phases: Vec<f32>,
    /// Pixels of a phase of a row.
    pixels: usize,
}

impl<'a> Unfolded<'a> {
    /// `x`: `[in, height, width]`.
    pub(super) fn new(map: &'a Map, inputs: usize, x: &[f32]) -> Self {
        let Map { width, columns, kernel, place, .. } = *map;
        let pixels = columns + (kernel - 1) / place.stride;
        let mut phases = vec![0.0; x.len() / width * place.stride * pixels];
        let rows = phases.par_chunks_mut(place.stride * pixels).zip(x.par_chunks(width));
        rows.with_min_len(64).for_each(|(phases, x)| {
            for (phase, to) in phases.chunks_exact_mut(pixels).enumerate() {
                // The first of the phase that is no zero of the border.
                let first = place.before.saturating_sub(phase).div_ceil(place.stride).min(pixels);
                let from = (first * place.stride + phase).saturating_sub(place.before);
                let x = x.iter().skip(from).step_by(place.stride);
                to[first..].iter_mut().zip(x).for_each(|(to, x)| *to = *x);
            }
        });
        Self { map, inputs, phases, pixels }
    }
}

impl Columns for Unfolded<'_> {
    fn columns_shape(&self) -> [usize; 2] {
        let Map { rows, columns, kernel, .. } = *self.map;
        [self.inputs * kernel * kernel, rows * columns]
    }

    fn pack(&self, rows: Range<usize>, places: Range<usize>, width: usize, panel: &mut [f32]) {
        let Map { height, columns, kernel, place, .. } = *self.map;
        for (index, to) in rows.zip(panel.chunks_exact_mut(width)) {
            let (channel, down, right) = (index / (kernel * kernel), index / kernel % kernel, index % kernel);
            let (mut left, rest) = to.split_at_mut(places.len());
            rest.fill(0.0);
            let (mut row, mut column) = (places.start / columns, places.start % columns);
            while !left.is_empty() {
                let (to, rest) = left.split_at_mut(left.len().min(columns - column));
                let y = (row * place.stride + down).checked_sub(place.before).filter(|&y| y < height);
                match y {
                    Some(y) => {
                        let phase = (channel * height + y) * place.stride + right % place.stride;
                        let start = phase * self.pixels + right / place.stride + column;
                        copy_short(&self.phases[start..][..to.len()], to);
                    }
                    None => to.fill(0.0),
                }
                left = rest;
                (row, column) = (row + 1, 0);
            }
        }
    }
}
