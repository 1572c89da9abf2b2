//! The pixels that a kernel meets as the columns of a matrix (im2col), of which only pieces ever exist.

use std::ops::Range;

use super::fast::Map;
use crate::product::Columns;

/// `[in · kernel · kernel, places]` of one sample.
pub(super) struct Unfolded<'a> {
    pub(super) map: &'a Map,
    pub(super) inputs: usize,
    /// `[in, height, width]`.
    pub(super) x: &'a [f32],
}

impl Columns for Unfolded<'_> {
    fn columns_shape(&self) -> [usize; 2] {
        let Map { rows, columns, kernel, .. } = *self.map;
        [self.inputs * kernel * kernel, rows * columns]
    }

    fn pack(&self, rows: Range<usize>, places: Range<usize>, width: usize, panel: &mut [f32]) {
        let Map { height, width: x_width, columns, kernel, place, .. } = *self.map;
        for (index, to) in rows.zip(panel.chunks_exact_mut(width)) {
            let (channel, down, right) = (index / (kernel * kernel), index / kernel % kernel, index % kernel);
            let x = &self.x[channel * height * x_width..][..height * x_width];
            let (to, rest) = to.split_at_mut(places.len());
            rest.fill(0.0);
            let (mut row, mut column) = (places.start / columns, places.start % columns);
            let mut left = to;
            while !left.is_empty() {
                let (to, rest) = left.split_at_mut(left.len().min(columns - column));
                let y = (row * place.stride + down).checked_sub(place.before).filter(|&y| y < height);
                match y {
                    Some(y) => self.row(&x[y * x_width..][..x_width], column, right, to),
                    None => to.fill(0.0),
                }
                left = rest;
                (row, column) = (row + 1, 0);
            }
        }
    }
}

impl Unfolded<'_> {
    /// What column `right` of the kernel meets in row `x` from place `first` of the row on.
    fn row(&self, x: &[f32], first: usize, right: usize, to: &mut [f32]) {
        let Map { place, .. } = *self.map;
        let start = first * place.stride + right; // counted from the left border's first zero
        if place.stride == 1 {
            let zeros = place.before.saturating_sub(start).min(to.len());
            let from = start.saturating_sub(place.before).min(x.len());
            let count = (x.len() - from).min(to.len() - zeros);
            to[..zeros].fill(0.0);
            to[zeros..zeros + count].copy_from_slice(&x[from..from + count]);
            to[zeros + count..].fill(0.0);
            return;
        }
        if let Some(from) = start.checked_sub(place.before)
            && let Some(x) = x.get(from..from + (to.len() - 1) * place.stride + 1)
        {
            to.iter_mut().zip(x.iter().step_by(place.stride)).for_each(|(to, x)| *to = *x);
            return;
        }
        for (column, to) in to.iter_mut().enumerate() {
            let at = (start + column * place.stride).checked_sub(place.before);
            *to = at.and_then(|at| x.get(at)).copied().unwrap_or(0.0);
        }
    }
}
