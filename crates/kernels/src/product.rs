//! The matrix product: packed panels, tiles in registers, blocks in the caches.
//!
//! ```text
//!            columns in blocks, each packed once for all rows ─▶ second-level cache
//!              ┌────┬────┬──┐
//!        inner │    │    │  │  a panel of some columns ─▶ first-level cache
//!              └────┴────┴──┘
//!      inner
//!     ┌───────┐┌────┬────┬──┐
//!     │       ││tile│    │  │  a tile ─▶ registers
//! rows├───────┤├────┼────┼──┤
//!     │       ││    │    │  │
//!     └───────┘└────┴────┴──┘
//! ```
//!
//! How a piece is packed and a tile multiplied is one of two ways: with the vectors of the processor, or, where it has
//! them and there are rows enough, with its matrix tiles. Every number of the result is the same sum in the same order
//! whatever the blocks of rows and columns are, so neither threads nor the rest of the matrix change its bits. Source:
//! "Anatomy of High-Performance Matrix Multiplication", Goto and van de Geijn, ACM TOMS 34 (2008).

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod tile;
mod ways;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::IN_MIRI;
use crate::matrix::Matrix;
use crate::vectors::Processor;
use ways::{Target, Vectors, Way};

/// The second matrix of a product, which is packed piece by piece.
pub(crate) trait Columns: Sync {
    /// Rows and columns.
    fn columns_shape(&self) -> [usize; 2];

    /// Its `rows` of its `columns` into `panel`, `[rows, width]`; zeros beyond its columns.
    fn pack(&self, rows: Range<usize>, columns: Range<usize>, width: usize, panel: &mut [f32]);
}

/// Multiplications below which threads do not pay.
const SMALL: usize = (1 << 18) / IN_MIRI.pow(3);

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
    let processor = Processor::this();
    let room = Room::new(product);
    #[cfg(target_arch = "x86_64")]
    if processor.has_tiles() && rows >= amx::SIDE && inner >= amx::SIDE && columns >= amx::SIDE / 2 {
        // SAFETY: the room was checked, and it is borrowed for this call.
        return unsafe { Work { way: ways::Tiles, a, inner, b, room, row_stride, finish }.run() };
    }
    // SAFETY: the same.
    unsafe { Work { way: Vectors(processor), a, inner, b, room, row_stride, finish }.run() };
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

// SAFETY: whoever writes through the pointer promises that nobody else uses the same numbers (`Room::part`).
unsafe impl Send for Room {}
// SAFETY: the same.
unsafe impl Sync for Room {}

/// A product to compute into `room`.
struct Work<'a, W, B: ?Sized, F> {
    way: W,
    a: &'a Matrix<'a>,
    inner: usize,
    b: &'a B,
    room: Room,
    row_stride: usize,
    finish: F,
}

impl<W: Way, B: Columns + ?Sized, F: Fn(usize, usize, &mut [f32]) + Sync> Work<'_, W, B, F> {
    /// All of it.
    ///
    /// # Safety
    ///
    /// The product's rows, `row_stride` apart, must lie inside of the room, which must still be borrowed, and nobody
    /// else may use their numbers meanwhile; of the parts of this work each asks the same for its own numbers.
    unsafe fn run(&self) {
        let ([rows, _], [_, columns]) = (self.a.shape(), self.b.columns_shape());
        let threads = if rows * columns * self.inner < SMALL { 1 } else { rayon::current_num_threads() };
        // Where there are few blocks of rows, threads share the columns.
        let share = if rows < 4 * threads * W::ROWS { columns.div_ceil(2 * threads) } else { columns };
        let pieces = pieces(columns, share.min(W::COLUMNS), 32);
        each(threads > 1, pieces, |columns| {
            // SAFETY: the caller's promise, and no column is in two pieces.
            unsafe { self.columns(columns, threads > 1) };
        });
    }

    /// All rows of some columns.
    ///
    /// # Safety
    ///
    /// As for [`Work::run`].
    unsafe fn columns(&self, columns: Range<usize>, threads: bool) {
        if self.inner == 0 {
            for row in 0..self.a.shape()[0] {
                // SAFETY: the caller's promise.
                let piece = unsafe { self.piece_of_row(row, &columns) };
                piece.fill(0.0);
                (self.finish)(row, columns.start, piece);
            }
        }
        let panels = self.panels(&columns);
        for group in pieces(self.inner, W::GROUP, 32) {
            let blocks: Vec<_> = pieces(group.len(), W::BLOCK, 32)
                .into_iter()
                .map(|block| group.start + block.start..group.start + block.end)
                .collect();
            let all = || blocks.iter().flat_map(|block| panels.iter().map(move |panel| (block, panel)));
            let count = all().map(|(block, panel)| self.way.columns_len(panel.len(), block.len())).sum();
            with_scratch(|buffer| {
                let packed = aligned(buffer, count);
                let mut rest = &mut *packed;
                let pack = all().map(|(block, panel)| {
                    let (to, others) = std::mem::take(&mut rest)
                        .split_at_mut(self.way.columns_len(panel.len(), block.len()));
                    rest = others;
                    (block, panel, to)
                });
                let pack: Vec<_> = pack.collect();
                each(threads, pack, |(block, panel, to)| {
                    self.way.pack_columns(self.b, block.clone(), panel.clone(), to);
                });
                let packed = &*packed;
                let rows = self.a.shape()[0];
                let rows: Vec<_> =
                    (0..rows).step_by(W::ROWS).map(|row| row..(row + W::ROWS).min(rows)).collect();
                each(threads, rows, |rows| {
                    // SAFETY: the caller's promise, and no row is in two of these pieces.
                    unsafe { self.rows(rows, &columns, &blocks, &panels, packed) };
                });
            });
        }
    }

    /// Some rows of some columns, of which some inner numbers are packed.
    ///
    /// # Safety
    ///
    /// As for [`Work::run`].
    unsafe fn rows(
        &self,
        rows: Range<usize>,
        columns: &Range<usize>,
        blocks: &[Range<usize>],
        panels: &[Range<usize>],
        mut packed: &[f32],
    ) {
        with_scratch(|buffer| {
            for block in blocks {
                let a = aligned(buffer, self.way.rows_len(rows.len(), block.len()));
                self.way.pack_rows(self.a, rows.clone(), block.clone(), a);
                let ready = self.way.ready();
                for panel in panels {
                    let (b, rest) = packed.split_at(self.way.columns_len(panel.len(), block.len()));
                    packed = rest;
                    // SAFETY: the caller's promise.
                    unsafe {
                        let target = Target {
                            c: self.room.start.add(rows.start * self.row_stride + panel.start),
                            c_row: self.row_stride,
                            rows: rows.len(),
                            columns: panel.len(),
                            add: block.start > 0,
                        };
                        self.way.multiply(&ready, a, b, block.len(), target);
                    }
                }
            }
        });
        if blocks.last().is_some_and(|block| block.end == self.inner) {
            for row in rows {
                // SAFETY: the caller's promise.
                (self.finish)(row, columns.start, unsafe { self.piece_of_row(row, columns) });
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Work::run`].
    #[expect(clippy::mut_from_ref, reason = "that is what the promise is about")]
    unsafe fn piece_of_row(&self, row: usize, columns: &Range<usize>) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { self.room.part(row * self.row_stride + columns.start, columns.len()) }
    }

    fn panels(&self, columns: &Range<usize>) -> Vec<Range<usize>> {
        let mut first = columns.start;
        let panels = std::iter::from_fn(|| {
            let panel = first..(first + self.way.panel(columns.end - first)).min(columns.end);
            first = panel.end;
            (!panel.is_empty()).then_some(panel)
        });
        panels.collect()
    }
}

/// `f` of each, beside each other if there are `threads`.
fn each<T: Send>(threads: bool, items: Vec<T>, f: impl Fn(T) + Sync + Send) {
    if threads { items.into_par_iter().for_each(f) } else { items.into_iter().for_each(f) }
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
