//! The innermost loop of a matrix product: a tile of the result that stays in registers.

#![expect(clippy::needless_range_loop, reason = "loops over arrays of vectors that must end in registers")]

use crate::vectors::{Job, Lanes, prefetch};

/// Rows that lie together in a packed first matrix.
pub(crate) const GROUP: usize = 4;

/// Rows of the first matrix times one panel of the second.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    /// The first matrix in groups of [`GROUP`] rows: the four numbers of a column of a group lie together.
    pub(crate) a: *const f32,
    /// From a group to the next.
    pub(crate) a_group: usize,
    /// From a column to the next.
    pub(crate) a_column: usize,
    /// Packed rows of the second matrix, as long as the whole vectors that hold the columns.
    pub(crate) b: *const f32,
    /// From such a row to the next.
    pub(crate) b_row: usize,
    /// Rows `c_row` apart, of which `columns` numbers are written.
    pub(crate) c: *mut f32,
    pub(crate) c_row: usize,
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
    /// Whether the product is added to what is there.
    pub(crate) add: bool,
}

impl Panel {
    /// The panel as a job.
    ///
    /// # Safety
    ///
    /// The pointers must be good for what the fields say, `a` for whole groups, `b` for whole vectors, `c` for
    /// writing, with nobody else writing there until the job is done.
    pub(crate) unsafe fn job(self) -> PanelJob {
        PanelJob(self)
    }
}

/// A [`Panel`] whose pointers somebody has vouched for.
pub(crate) struct PanelJob(Panel);

impl Job for PanelJob {
    type Result = ();

    /// Goes over the columns by one to three vectors, and over the rows by as many groups as then fit into the
    /// registers.
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut panel = self.0;
        let mut left = panel.columns;
        while left > 0 {
            let vectors = panel_vectors(left.div_ceil(L::COUNT));
            panel.columns = left.min(vectors * L::COUNT);
            // SAFETY: whoever made the job promised it for the whole panel, of which this is a part.
            unsafe {
                match (L::COUNT, vectors) {
                    (16, 1) => tiles::<L, 3, 1>(panel),
                    (16, 2) => tiles::<L, 3, 2>(panel),
                    (16, _) => tiles::<L, 2, 3>(panel),
                    (8, 1) => tiles::<L, 2, 1>(panel),
                    (8, 2) => tiles::<L, 1, 2>(panel),
                    (8, _) => tiles::<L, 1, 3>(panel),
                    (_, 1) => tiles::<L, 2, 1>(panel),
                    (_, 2) => tiles::<L, 2, 2>(panel),
                    (_, _) => tiles::<L, 2, 3>(panel),
                }
                panel.b = panel.b.add(panel.columns);
                panel.c = panel.c.add(panel.columns);
            }
            left -= panel.columns;
        }
    }
}

/// How many of `left` vectors to take next: two, or what is left where that is one or three.
pub(crate) fn panel_vectors(left: usize) -> usize {
    if left == 1 || left == 3 { left } else { 2 }
}

#[inline(always)]
unsafe fn tiles<L: Lanes, const G: usize, const V: usize>(panel: Panel) {
    let mut row = 0;
    // SAFETY: rows below `panel.rows` are inside what the caller promised.
    unsafe {
        while row + G * GROUP <= panel.rows {
            tile::<L, G, V>(panel, row);
            row += G * GROUP;
        }
        // The rest: a number does not depend on the tile that it is in.
        if G > 2 && row + GROUP < panel.rows {
            tile::<L, 2, V>(panel, row);
            row += 2 * GROUP;
        }
        while row < panel.rows {
            tile::<L, 1, V>(panel, row);
            row += GROUP;
        }
    }
}

/// `G` groups of rows from `row` on.
#[inline(always)]
unsafe fn tile<L: Lanes, const G: usize, const V: usize>(panel: Panel, row: usize) {
    let Panel { a_group, a_column, b_row, inner, c_row, columns, add, .. } = panel;
    // SAFETY: everything that is read and written lies in what the caller promised; a tile that is larger than what
    // is to be written goes through a buffer of its own.
    unsafe {
        let groups: [*const f32; G] = std::array::from_fn(|g| panel.a.add((row / GROUP + g) * a_group));
        let mut sums = [[[L::splat(0.0); V]; GROUP]; G];
        let mut b = panel.b;
        let mut at = 0;
        // Meanwhile the panel that lies behind this one, where there is one, is brought, by each tile its share.
        let share = b_row * G * GROUP / panel.rows;
        let mut next = panel.b.wrapping_add(inner * b_row + row / (G * GROUP) * share * inner);
        for _ in 0..inner {
            prefetch(next);
            next = next.wrapping_add(share);
            let vectors: [L; V] = std::array::from_fn(|v| L::load(b.add(v * L::COUNT)));
            for g in 0..G {
                for r in 0..GROUP {
                    let x = L::splat(*groups[g].add(at + r));
                    for v in 0..V {
                        sums[g][r][v] = x.times_plus(vectors[v], sums[g][r][v]);
                    }
                }
            }
            b = b.wrapping_add(b_row); // which after the last row may lie beyond all that there is
            at += a_column;
        }
        let c = panel.c.add(row * c_row);
        let rows = panel.rows - row;
        if columns == V * L::COUNT && rows >= G * GROUP {
            for (r, sums) in sums.as_flattened().iter().enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    let c = c.add(r * c_row + v * L::COUNT);
                    let sum = if add { L::load(c).plus(sum) } else { sum };
                    sum.store(c);
                }
            }
            return;
        }
        for (r, sums) in sums.as_flattened().iter().enumerate().take(rows) {
            let mut buffer = [[0.0; 16]; 3];
            let buffer = buffer.as_flattened_mut();
            for (v, &sum) in sums.iter().enumerate() {
                sum.store(buffer.as_mut_ptr().add(v * L::COUNT));
            }
            for (column, &sum) in buffer[..columns].iter().enumerate() {
                let c = c.add(r * c_row + column);
                *c = if add { *c + sum } else { sum };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processors::numbers;
    use crate::vectors::Processor;

    /// Checks a panel whose matrices are exactly as long as it says, so that Miri sees a step beyond them.
    fn check(processor: Processor, [rows, inner, columns]: [usize; 3], add: bool) {
        let (a_group, b_row, c_row) =
            (inner * GROUP, columns.next_multiple_of(processor.lanes()), columns + 1);
        let (a, b) = (numbers(rows.div_ceil(GROUP) * a_group, 1), numbers(inner * b_row, 2));
        let mut c = vec![if add { 1.0 } else { f32::NAN }; (rows - 1) * c_row + columns];
        let panel = Panel {
            a: a.as_ptr(),
            a_group,
            a_column: GROUP,
            b: b.as_ptr(),
            b_row,
            c: c.as_mut_ptr(),
            c_row,
            rows,
            inner,
            columns,
            add,
        };
        // SAFETY: the matrices have been made for it.
        processor.run(unsafe { panel.job() });
        for (at, &actual) in c.iter().enumerate() {
            let (row, column) = (at / c_row, at % c_row);
            if column == columns {
                assert!(actual == 1.0 || actual.is_nan(), "a number beside the panel was written");
                continue;
            }
            let terms = (0..inner)
                .map(|k| a[row / GROUP * a_group + k * GROUP + row % GROUP] * b[k * b_row + column]);
            let exact = terms.sum::<f32>() + f32::from(u8::from(add));
            assert!((actual - exact).abs() < 1e-5, "{processor:?}: {actual}, exactly {exact}");
        }
    }

    #[test]
    fn a_panel_of_any_size_is_the_product_and_touches_nothing_else() {
        for processor in Processor::all() {
            for rows in [1, 7, 12, 21] {
                for columns in [3, 16, 48, 50] {
                    check(processor, [rows, 2, columns], rows == 7);
                }
            }
            check(processor, [5, 1, 20], true);
        }
    }
}
