//! A matrix that lies somewhere in a tensor's storage.

use std::ops::Range;

use crate::flex::vectorised;
use crate::numbers::Numbers;
use crate::product::Columns;
use crate::product::tile::GROUP;
use crate::vectors::{Processor, SQUARE};

/// All its places lie inside the storage: that is checked when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    storage: Numbers<'a>,
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
    pub(crate) fn new(
        storage: impl Into<Numbers<'a>>,
        start: usize,
        shape: [usize; 2],
        strides: [isize; 2],
    ) -> Self {
        let storage = storage.into();
        let ends =
            shape.into_iter().zip(strides).map(|(count, stride)| count.saturating_sub(1) as isize * stride);
        let (lowest, highest) = ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)));
        let inside = |offset: isize| start.checked_add_signed(offset).is_some_and(|at| at < storage.len());
        assert!(shape.contains(&0) || (inside(lowest) && inside(highest)), "a matrix outside of its storage");
        Self { storage, start, shape, strides }
    }

    /// The whole of `storage`, row by row.
    pub(crate) fn whole(storage: impl Into<Numbers<'a>>, shape: [usize; 2]) -> Self {
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

    /// Where its rows lie, if each is in order.
    fn in_rows(&self) -> Option<Rows<'a>> {
        let [row, column] = self.strides;
        let [rows, columns] = self.shape;
        let in_order = (column == 1 || columns <= 1) && (row >= columns as isize || rows <= 1);
        in_order.then(|| Rows { numbers: self.storage, start: self.start, stride: row.unsigned_abs() })
    }

    /// Some `rows` of some `columns` where they lie, if they are f32 and each in order.
    pub(crate) fn rows_in_place(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Option<impl Iterator<Item = &'a [f32]>> {
        let lying = self.in_rows()?;
        let Numbers::F32(numbers) = lying.numbers else { return None };
        Some(rows.map(move |row| &numbers[lying.range(row, &columns)]))
    }

    /// The number in a place that is inside of the shape.
    fn at(&self, row: usize, column: usize) -> f32 {
        let offset = row as isize * self.strides[0] + column as isize * self.strides[1];
        self.storage.at(self.start.wrapping_add_signed(offset))
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
            } else if let Some(numbers) = self.in_rows() {
                vectorised(
                    #[inline(always)]
                    || {
                        numbers.read_some(
                            first,
                            GROUP,
                            columns.clone(),
                            |at, [a, b, c, d]: [&[f32]; GROUP]| {
                                for ((((to, a), b), c), d) in to[at..].iter_mut().zip(a).zip(b).zip(c).zip(d)
                                {
                                    *to = [*a, *b, *c, *d];
                                }
                            },
                        );
                    },
                );
            } else if let Some(numbers) = self.transposed().in_rows() {
                for (to, column) in to.iter_mut().zip(columns.clone()) {
                    numbers.copy(column, first..first + GROUP, to);
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
        if let Some(numbers) = self.in_rows() {
            vectorised(
                #[inline(always)]
                || {
                    for (row, to) in rows.zip(panel.chunks_exact_mut(width)) {
                        numbers.copy(row, columns.clone(), to);
                        to[count..].fill(0.0);
                    }
                },
            );
        } else if let Some(numbers) = self.transposed().in_rows() {
            let panel = &mut panel[..rows.len() * width];
            for to in panel.chunks_exact_mut(width) {
                to[count..].fill(0.0);
            }
            vectorised(
                #[inline(always)]
                || transpose(numbers, columns, rows, width, panel),
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

/// Rows that are each in order; see [`Matrix::in_rows`].
#[derive(Clone, Copy)]
struct Rows<'a> {
    numbers: Numbers<'a>,
    /// The first number of the first row.
    start: usize,
    /// From a row to the next.
    stride: usize,
}

impl Rows<'_> {
    fn range(&self, row: usize, columns: &Range<usize>) -> Range<usize> {
        let start = self.start + row * self.stride;
        start + columns.start..start + columns.end
    }

    /// Some `columns` of `row` to the beginning of `to`.
    #[inline(always)]
    fn copy(&self, row: usize, columns: Range<usize>, to: &mut [f32]) {
        let range = self.range(row, &columns);
        match self.numbers {
            Numbers::F32(numbers) => copy_short(&numbers[range], to),
            Numbers::F16(_) | Numbers::BF16(_) => {
                self.numbers.read(range, to);
            }
        }
    }

    /// Gives `take` some `columns` of the `count` rows from `first` on beside each other, the last one for all that are
    /// beyond it: where they lie, or piece by piece as they are widened, with the place of the piece's first column.
    #[inline(always)]
    fn read_some<const ROWS: usize>(
        &self,
        first: usize,
        count: usize,
        columns: Range<usize>,
        mut take: impl FnMut(usize, [&[f32]; ROWS]),
    ) {
        /// Columns that are widened at a time.
        const PIECE: usize = 128;
        let row = |i: usize| first + i.min(count - 1);
        if let Numbers::F32(numbers) = self.numbers {
            return take(0, std::array::from_fn(|i| &numbers[self.range(row(i), &columns)]));
        }
        let mut room = [[0.0; PIECE]; ROWS];
        for start in columns.clone().step_by(PIECE) {
            let piece = start..(start + PIECE).min(columns.end);
            for (i, room) in room.iter_mut().enumerate() {
                self.numbers.read(self.range(row(i), &piece), room);
            }
            take(start - columns.start, room.each_ref().map(|room| &room[..piece.len()]));
        }
    }
}

/// The rows `from` of `numbers`, of which the columns `of`, become the first columns of `to`, `[length, width]`.
#[inline(always)]
fn transpose(numbers: Rows, from: Range<usize>, of: Range<usize>, width: usize, to: &mut [f32]) {
    let processor = Processor::this();
    for first in (0..from.len()).step_by(SQUARE) {
        let count = SQUARE.min(from.len() - first);
        numbers.read_some(from.start + first, count, of.clone(), |at, rows: [&[f32]; SQUARE]| {
            let length = rows[0].len();
            let whole = if count == SQUARE { length / SQUARE * SQUARE } else { 0 };
            for k in (0..whole).step_by(SQUARE) {
                processor.transpose(rows.map(|row| &row[k..]), &mut to[(at + k) * width + first..], width);
            }
            for (i, row) in rows.iter().enumerate().take(count) {
                for (k, &x) in row.iter().enumerate().skip(whole) {
                    to[(at + k) * width + first + i] = x;
                }
            }
        });
    }
}
