//! The two ways to multiply: with vectors, and with the processor's tiles.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::tile::{GROUP, Panel, panel_vectors};
use super::{Columns, aligned, with_scratch};
use crate::IN_MIRI;
use crate::matrix::Matrix;
use crate::vectors::Processor;

/// How pieces of two matrices are packed, and multiplied when they are.
pub(super) trait Way: Sync {
    /// Rows that are packed together, and stay in the second-level cache while the panels pass by.
    const ROWS: usize;
    /// Columns that are packed together, at most.
    const COLUMNS: usize;
    /// Inner numbers that are packed together, at most.
    const GROUP: usize;
    /// Of these, those that are multiplied together, at most.
    const BLOCK: usize;

    /// What it takes to multiply, made ready.
    type Ready;

    /// Makes ready for some calls of [`Way::multiply`].
    fn ready(&self) -> Self::Ready;

    /// The columns of the next panel, where `left` are left, or more.
    fn panel(&self, left: usize) -> usize;

    /// Numbers that so many columns of a panel take when they are packed.
    fn columns_len(&self, columns: usize, inner: usize) -> usize;

    /// Numbers that so many rows take when they are packed.
    fn rows_len(&self, rows: usize, inner: usize) -> usize;

    /// Packs a panel of `b`.
    fn pack_columns<B: Columns + ?Sized>(
        &self,
        b: &B,
        inner: Range<usize>,
        columns: Range<usize>,
        to: &mut [f32],
    );

    /// Packs some rows of `a`.
    fn pack_rows(&self, a: &Matrix, rows: Range<usize>, inner: Range<usize>, to: &mut [f32]);

    /// Packed rows times a packed panel, into `target`.
    ///
    /// # Safety
    ///
    /// The target must be good for reading and writing, with nobody else using it.
    unsafe fn multiply(&self, ready: &Self::Ready, a: &[f32], b: &[f32], inner: usize, target: Target);
}

/// The part of a product that some rows and some columns give.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// Its first number.
    pub(crate) c: *mut f32,
    /// From a row to the next.
    pub(crate) c_row: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Whether the product is added to what is there.
    pub(crate) add: bool,
}

/// The vectors of a processor.
pub(super) struct Vectors(pub(super) Processor);

impl Way for Vectors {
    const ROWS: usize = 96 / IN_MIRI;
    const COLUMNS: usize = 384 / IN_MIRI;
    const GROUP: usize = 768 / IN_MIRI;
    /// A panel of two vectors of 16 is then 48 KiB.
    const BLOCK: usize = 384 / IN_MIRI;

    type Ready = ();

    fn ready(&self) {}

    fn panel(&self, left: usize) -> usize {
        panel_vectors(left.div_ceil(self.0.lanes())) * self.0.lanes()
    }

    fn columns_len(&self, columns: usize, inner: usize) -> usize {
        columns.next_multiple_of(self.0.lanes()) * inner
    }

    fn rows_len(&self, rows: usize, inner: usize) -> usize {
        rows.next_multiple_of(GROUP) * inner
    }

    fn pack_columns<B: Columns + ?Sized>(
        &self,
        b: &B,
        inner: Range<usize>,
        columns: Range<usize>,
        to: &mut [f32],
    ) {
        let width = columns.len().next_multiple_of(self.0.lanes());
        b.pack(inner, columns, width, to);
    }

    fn pack_rows(&self, a: &Matrix, rows: Range<usize>, inner: Range<usize>, to: &mut [f32]) {
        a.pack_groups(rows, inner, to);
    }

    unsafe fn multiply(&self, (): &(), a: &[f32], b: &[f32], inner: usize, target: Target) {
        let Target { c, c_row, rows, columns, add } = target;
        assert!(
            a.len() >= self.rows_len(rows, inner) && b.len() >= self.columns_len(columns, inner),
            "packed"
        );
        let panel = Panel {
            a: a.as_ptr(),
            a_group: inner * GROUP,
            a_column: GROUP,
            b: b.as_ptr(),
            b_row: columns.next_multiple_of(self.0.lanes()),
            c,
            c_row,
            rows,
            inner,
            columns,
            add,
        };
        // SAFETY: the lengths of the packed pieces were checked; the target is the caller's promise.
        self.0.run(unsafe { panel.job() });
    }
}

/// The tiles of AMX.
#[cfg(target_arch = "x86_64")]
pub(super) struct Tiles;

#[cfg(target_arch = "x86_64")]
impl Way for Tiles {
    const ROWS: usize = 64;
    const COLUMNS: usize = 256;
    const GROUP: usize = 768;
    /// Long, for the tiles wait for their sums to be brought and taken away.
    const BLOCK: usize = 768;

    type Ready = amx::Tiles;

    fn ready(&self) -> amx::Tiles {
        amx::Tiles::new()
    }

    fn panel(&self, _: usize) -> usize {
        amx::SIDE
    }

    fn columns_len(&self, _: usize, inner: usize) -> usize {
        amx::cut_len(inner)
    }

    fn rows_len(&self, rows: usize, inner: usize) -> usize {
        rows.div_ceil(amx::SIDE) * amx::cut_len(inner)
    }

    fn pack_columns<B: Columns + ?Sized>(
        &self,
        b: &B,
        inner: Range<usize>,
        columns: Range<usize>,
        to: &mut [f32],
    ) {
        with_scratch(|buffer| {
            let whole = aligned(buffer, inner.len().next_multiple_of(amx::SIDE) * amx::SIDE);
            let (some, rest) = whole.split_at_mut(inner.len() * amx::SIDE);
            b.pack(inner, columns, amx::SIDE, some);
            rest.fill(0.0);
            amx::cut_columns(whole, to);
        });
    }

    fn pack_rows(&self, a: &Matrix, rows: Range<usize>, inner: Range<usize>, to: &mut [f32]) {
        let width = inner.len().next_multiple_of(amx::SIDE);
        let groups = rows.clone().step_by(amx::SIDE).map(|row| row..(row + amx::SIDE).min(rows.end));
        for (rows, to) in groups.zip(to.chunks_exact_mut(amx::cut_len(inner.len()))) {
            if let Some(in_place) = a.rows_in_place(rows.clone(), inner.clone())
                && rows.len() == amx::SIDE
                && inner.len() == width
            {
                amx::cut_rows(in_place, width, to);
            } else {
                with_scratch(|buffer| {
                    let whole = aligned(buffer, amx::SIDE * width);
                    let (some, rest) = whole.split_at_mut(rows.len() * width);
                    a.pack(rows, inner.clone(), width, some);
                    rest.fill(0.0);
                    amx::cut_rows(whole.chunks_exact(width), width, to);
                });
            }
        }
    }

    unsafe fn multiply(&self, tiles: &amx::Tiles, a: &[f32], b: &[f32], inner: usize, target: Target) {
        assert_eq!(a.len(), self.rows_len(target.rows, inner), "packed");
        for (index, a) in a.chunks_exact(amx::cut_len(inner)).enumerate() {
            let row = index * amx::SIDE;
            // SAFETY: the caller's promise for all rows, of which these are some, as there are no more packed ones.
            unsafe {
                let c = target.c.add(row * target.c_row);
                let rows = amx::SIDE.min(target.rows - row);
                tiles.multiply(a, b, Target { c, rows, ..target });
            }
        }
    }
}
