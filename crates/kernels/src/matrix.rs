//! A matrix that lies somewhere in a tensor's storage.

use std::ops::Range;

use crate::flex::vectorised;
use crate::product::Columns;
use crate::product::tile::GROUP;

/// All its places lie inside the storage: that is checked when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    storage: &'a [f32],
    start: usize,
    /// Rows and columns.
    shape: [usize; 2],
    /// From a row to the next, and from a column to the next.
    strides: [isize; 2],
}

impl<'a> Matrix<'a> {
    /// # Panics
    ///
    /// If a place of the matrix lies outside of `storage`.
    pub(crate) fn new(storage: &'a [f32], start: usize, shape: [usize; 2], strides: [isize; 2]) -> Self {
        let ends =
            shape.into_iter().zip(strides).map(|(count, stride)| count.saturating_sub(1) as isize * stride);
        let (lowest, highest) = ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)));
        let inside = |offset: isize| start.checked_add_signed(offset).is_some_and(|at| at < storage.len());
        assert!(shape.contains(&0) || (inside(lowest) && inside(highest)), "a matrix outside of its storage");
        Self { storage, start, shape, strides }
    }

    /// The whole of `storage`, row by row.
    pub(crate) fn whole(storage: &'a [f32], shape: [usize; 2]) -> Self {
        Self::new(storage, 0, shape, [shape[1] as isize, 1])
    }

    pub(crate) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The same matrix with rows and columns exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Self { shape: [columns, rows], strides: [column, row], ..*self }
    }

    /// Where its rows lie, if each is in order: the first number, and from a row to the next.
    fn in_rows(&self) -> Option<(&'a [f32], usize)> {
        let [row, column] = self.strides;
        let [rows, columns] = self.shape;
        let in_order = (column == 1 || columns <= 1) && (row >= columns as isize || rows <= 1);
        in_order.then(|| (&self.storage[self.start.min(self.storage.len())..], row.unsigned_abs()))
    }

    /// The number in a place that is inside of the shape.
    fn at(&self, row: usize, column: usize) -> f32 {
        let offset = row as isize * self.strides[0] + column as isize * self.strides[1];
        self.storage[self.start.wrapping_add_signed(offset)]
    }

    /// Some `rows` of some `columns` in groups of [`GROUP`] rows: `[groups, columns, GROUP]`; zeros beyond the rows.
    pub(crate) fn pack_groups(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [f32]) {
        let groups = to.chunks_exact_mut((columns.len() * GROUP).max(1));
        for (first, to) in rows.clone().step_by(GROUP).zip(groups) {
            let to = to.as_chunks_mut::<GROUP>().0;
            if first + GROUP > rows.end {
                to.fill([0.0; GROUP]);
                for (to, column) in to.iter_mut().zip(columns.clone()) {
                    for (to, row) in to.iter_mut().zip(first..rows.end) {
                        *to = self.at(row, column);
                    }
                }
            } else if let Some((numbers, stride)) = self.in_rows() {
                let [a, b, c, d] =
                    std::array::from_fn(|i| &numbers[(first + i) * stride..][columns.start..columns.end]);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                            *to = [*a, *b, *c, *d];
                        }
                    },
                );
            } else if let Some((numbers, stride)) = self.transposed().in_rows() {
                for (to, column) in to.iter_mut().zip(columns.clone()) {
                    if let Some(four) = numbers[column * stride + first..].first_chunk() {
                        *to = *four;
                    }
                }
            } else {
                for (to, column) in to.iter_mut().zip(columns.clone()) {
                    *to = std::array::from_fn(|i| self.at(first + i, column));
                }
            }
        }
    }
}

impl Columns for Matrix<'_> {
    fn columns_shape(&self) -> [usize; 2] {
        self.shape
    }

    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, panel: &mut [f32]) {
        if width == 0 {
            return;
        }
        let count = columns.len();
        if let Some((numbers, stride)) = self.in_rows() {
            for (row, to) in rows.zip(panel.chunks_exact_mut(width)) {
                copy_short(&numbers[row * stride + columns.start..][..count], to);
                to[count..].fill(0.0);
            }
        } else if let Some((numbers, stride)) = self.transposed().in_rows() {
            let panel = &mut panel[..rows.len() * width];
            for to in panel.chunks_exact_mut(width) {
                to[count..].fill(0.0);
            }
            vectorised(
                #[inline(always)]
                || transpose(&numbers[rows.start..], stride, columns, rows.len(), width, panel),
            );
        } else {
            for (row, to) in rows.zip(panel.chunks_exact_mut(width)) {
                for (to, column) in to.iter_mut().zip(columns.clone()) {
                    *to = self.at(row, column);
                }
                to[count..].fill(0.0);
            }
        }
    }
}

/// Copies `from` to the beginning of `to`, where most often it is a panel wide: a length that is known saves the call.
#[inline]
pub(crate) fn copy_short(from: &[f32], to: &mut [f32]) {
    const PANEL: usize = 32;
    match (<&[f32; PANEL]>::try_from(from), to.first_chunk_mut::<PANEL>()) {
        (Ok(from), Some(to)) => *to = *from,
        _ => to[..from.len()].copy_from_slice(from),
    }
}

/// Rows `from` of `numbers`, which are `stride` apart, become the first columns of `to`, `[length, width]`.
#[inline(always)]
fn transpose(
    numbers: &[f32],
    stride: usize,
    from: Range<usize>,
    length: usize,
    width: usize,
    to: &mut [f32],
) {
    /// A square of this side is turned at a time, in registers where it can.
    const SIDE: usize = 8;
    let whole = length / SIDE * SIDE;
    let count = from.len();
    for first in (0..count).step_by(SIDE) {
        let rows = SIDE.min(count - first);
        let row = |i: usize| &numbers[(from.start + first + i) * stride..][..length];
        if rows == SIDE {
            let rows: [&[f32]; SIDE] = std::array::from_fn(row);
            for k in (0..whole).step_by(SIDE) {
                let square: [[f32; SIDE]; SIDE] =
                    std::array::from_fn(|i| std::array::from_fn(|j| rows[j][k + i]));
                for (i, column) in square.iter().enumerate() {
                    to[(k + i) * width + first..][..SIDE].copy_from_slice(column);
                }
            }
        }
        let done = if rows == SIDE { whole } else { 0 };
        for i in 0..rows {
            for (k, &x) in row(i).iter().enumerate().skip(done) {
                to[k * width + first + i] = x;
            }
        }
    }
}
