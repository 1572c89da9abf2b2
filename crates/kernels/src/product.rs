//! The matrix product: packed panels, tiles in registers, blocks in the caches.
//!
//! ```text
//!            columns in blocks, each packed once for all rows ─▶ second-level cache
//!              ┌────┬────┬──┐
//!        inner │    │    │  │  a panel of two vectors ─▶ first-level cache
//!              └────┴────┴──┘
//!      inner
//!     ┌───────┐┌────┬────┬──┐
//!     │       ││tile│    │  │  a tile ─▶ registers
//! rows├───────┤├────┼────┼──┤
//!     │       ││    │    │  │
//!     └───────┘└────┴────┴──┘
//! ```
//!
//! Every number of the result is the same sum in the same order whatever the blocks are, so neither threads nor the
//! rest of the matrix change its bits. Source: "Anatomy of High-Performance Matrix Multiplication", Goto and van de
//! Geijn, ACM TOMS 34 (2008).

pub(crate) mod tile;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::matrix::Matrix;
use crate::vectors::Processor;
use tile::{GROUP, Panel, panel_vectors};

/// The second matrix of a product, which is packed piece by piece.
pub(crate) trait Columns: Sync {
    /// Rows and columns.
    fn columns_shape(&self) -> [usize; 2];

    /// Its `rows` of its `columns` into `panel`, `[rows, width]`; zeros beyond its columns.
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, panel: &mut [f32]);
}

/// Inner numbers that are summed in registers, at most: a panel of two vectors of 16 is then 48 KiB.
const INNER: usize = 384;
/// Columns that are packed together, at most.
const COLUMNS: usize = 384;
/// Numbers that are packed together, at most: about 1 MiB.
const PACKED: usize = 1 << 18;
/// Rows that stay in the second-level cache while the panels pass by.
const ROWS: usize = 96;
/// Multiplications below which threads do not pay.
const SMALL: usize = 1 << 18;

/// `a · b` into the rows of `product`, which begin `row_stride` numbers apart. `finish` sees each piece of a row once
/// it is complete, while it is still in a cache: it is given the row, the first column, and the numbers.
///
/// # Panics
///
/// If the shapes do not fit, or `product` is too short.
pub(crate) fn multiply(
    a: &Matrix,
    b: &(impl Columns + ?Sized),
    product: &mut [f32],
    row_stride: usize,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    let ([rows, inner], [inner_b, columns]) = (a.shape(), b.columns_shape());
    assert_eq!(inner, inner_b, "columns of the first matrix, rows of the second");
    assert!(
        columns <= row_stride && product.len() + row_stride >= rows * row_stride + columns,
        "room for the product"
    );
    if rows == 0 || columns == 0 {
        return;
    }
    let work = Work { processor: Processor::this(), a, inner, b, row_stride, finish };
    let room = Room::new(product);

    let threads = if rows * columns * inner < SMALL { 1 } else { rayon::current_num_threads() };
    let column_pieces = pieces(columns, COLUMNS, 32);
    let row_pieces = match threads {
        1 => pieces(rows, rows, 1),
        _ => pieces(rows, rows.div_ceil((4 * threads).div_ceil(column_pieces.len())).max(ROWS), 12),
    };
    let both: Vec<_> =
        column_pieces.iter().flat_map(|c| row_pieces.iter().map(move |r| (r.clone(), c.clone()))).collect();
    // SAFETY: the pieces are disjoint and inside of `product`, as checked above, which nobody else can reach.
    let piece = |(rows, columns): (Range<usize>, Range<usize>)| unsafe { work.piece(rows, columns, room) };
    if threads == 1 { both.into_iter().for_each(piece) } else { both.into_par_iter().for_each(piece) }
}

/// `length` in pieces of about equal size, at most `most` or a little more, and multiples of `multiple`.
pub(crate) fn pieces(length: usize, most: usize, multiple: usize) -> Vec<Range<usize>> {
    let count = length.div_ceil(most.max(1)).max(1);
    let size = length.div_ceil(count).next_multiple_of(multiple).max(1);
    (0..length).step_by(size).map(|first| first..(first + size).min(length)).collect()
}

/// A place that several threads write, each a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    start: *mut f32,
}

impl Room {
    pub(crate) fn new(numbers: &mut [f32]) -> Self {
        Self { start: numbers.as_mut_ptr() }
    }

    /// # Safety
    ///
    /// The numbers must lie inside of what the room was made of, that must still be borrowed, and nobody else may
    /// use them meanwhile.
    #[expect(clippy::mut_from_ref, reason = "that is what the promise is about")]
    pub(crate) unsafe fn part(&self, first: usize, count: usize) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }
}

// SAFETY: whoever writes through the pointer promises that nobody else uses the same numbers (`Work::piece`).
unsafe impl Send for Room {}
// SAFETY: the same.
unsafe impl Sync for Room {}

struct Work<'a, B: ?Sized, F> {
    processor: Processor,
    a: &'a Matrix<'a>,
    inner: usize,
    b: &'a B,
    row_stride: usize,
    finish: F,
}

impl<B: Columns + ?Sized, F: Fn(usize, usize, &mut [f32])> Work<'_, B, F> {
    /// One piece of the product.
    ///
    /// # Safety
    ///
    /// The piece must lie inside of the product that `room` begins, and nobody else may use its numbers meanwhile.
    unsafe fn piece(&self, rows: Range<usize>, columns: Range<usize>, room: Room) {
        let lanes = self.processor.lanes();
        let width = columns.len().next_multiple_of(lanes);
        let groups = pieces(self.inner, (PACKED / width).max(INNER), 1);
        with_scratch(|buffer| {
            for group in &groups {
                let blocks = pieces(group.len(), INNER, 1);
                let (packed, a) =
                    aligned(buffer, group.len() * (width + ROWS)).split_at_mut(group.len() * width);
                for block in &blocks {
                    let to = &mut packed[block.start * width..][..block.len() * width];
                    let inner = group.start + block.start..group.start + block.end;
                    self.pack(inner, columns.clone(), to);
                }
                for row in rows.clone().step_by(ROWS) {
                    let count = ROWS.min(rows.end - row);
                    self.a.pack_groups(row..row + count, group.clone(), a);
                    for block in &blocks {
                        let packed = &packed[block.start * width..][..block.len() * width];
                        let add = group.start + block.start > 0;
                        let a = &a[block.start * GROUP..];
                        // SAFETY: the caller's promise.
                        unsafe {
                            self.block(
                                row..row + count,
                                columns.clone(),
                                a,
                                group.len() * GROUP,
                                packed,
                                block.len(),
                                add,
                                room,
                            );
                        }
                    }
                    if group.end == self.inner {
                        for row in row..row + count {
                            // SAFETY: the caller's promise.
                            let piece =
                                unsafe { room.part(row * self.row_stride + columns.start, columns.len()) };
                            (self.finish)(row, columns.start, piece);
                        }
                    }
                }
            }
        });
        if groups.is_empty() {
            for row in rows {
                // SAFETY: the caller's promise.
                let piece = unsafe { room.part(row * self.row_stride + columns.start, columns.len()) };
                piece.fill(0.0);
                (self.finish)(row, columns.start, piece);
            }
        }
    }

    /// The panels of `columns`, one behind the other.
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, mut to: &mut [f32]) {
        for (columns, vectors) in self.panels(columns) {
            let width = vectors * self.processor.lanes();
            let (panel, rest) = to.split_at_mut(inner.len() * width);
            self.b.pack(inner.clone(), columns, width, panel);
            to = rest;
        }
    }

    fn panels(&self, columns: Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> {
        let lanes = self.processor.lanes();
        let mut first = columns.start;
        std::iter::from_fn(move || {
            let left = (columns.end - first).div_ceil(lanes);
            if left == 0 {
                return None;
            }
            let vectors = panel_vectors(left);
            let panel = first..(first + vectors * lanes).min(columns.end);
            first = panel.end;
            Some((panel, vectors))
        })
    }

    /// Packed rows times packed panels.
    ///
    /// # Safety
    ///
    /// As for [`Work::piece`].
    #[expect(clippy::too_many_arguments, reason = "the pieces of one loop")]
    unsafe fn block(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        a: &[f32],
        a_group: usize,
        mut packed: &[f32],
        inner: usize,
        add: bool,
        room: Room,
    ) {
        assert!(a.len() >= (rows.len().div_ceil(GROUP) - 1) * a_group + inner * GROUP, "packed rows");
        for (columns, vectors) in self.panels(columns) {
            let (b, rest) = packed.split_at(inner * vectors * self.processor.lanes());
            packed = rest;
            // SAFETY: the rows were checked above, the panel by `split_at`; the product is the caller's promise.
            unsafe {
                let panel = Panel {
                    a: a.as_ptr(),
                    a_group,
                    a_column: GROUP,
                    b: b.as_ptr(),
                    b_row: vectors * self.processor.lanes(),
                    c: room.start.add(rows.start * self.row_stride + columns.start),
                    c_row: self.row_stride,
                    rows: rows.len(),
                    inner,
                    columns: columns.len(),
                    add,
                };
                self.processor.run(panel.job());
            }
        }
    }
}

/// `count` numbers of `buffer` that begin where a line of the caches does.
pub(crate) fn aligned(buffer: &mut Vec<f32>, count: usize) -> &mut [f32] {
    /// Numbers in a line of 64 bytes.
    const LINE: usize = 16;
    buffer.resize(buffer.len().max(count + LINE), 0.0);
    let skip = buffer.as_ptr().align_offset(4 * LINE).min(LINE);
    &mut buffer[skip..][..count]
}

/// Runs `f` with a buffer of this thread, which keeps its memory from one use to the next.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut Vec<f32>) -> R) -> R {
    thread_local! {
        static BUFFERS: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
    }
    // Taken out, so that work which is nested, or which the thread takes on while it waits, has one of its own.
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = f(&mut buffer);
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    result
}
