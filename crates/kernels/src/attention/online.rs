//! Attention without the matrix of scores: block by block of keys, with the softmax kept up to date.
//!
//! Scores lie with the queries beside each other, `[keys, queries]`, so that the softmax goes down the columns in
//! vectors, and scores are at once the packed matrix that the values are multiplied with.
//!
//! ```text
//!   keys · queriesᵀ ─▶ scores ─▶ e^(score - highest so far) ─▶ valuesᵀ · weights ─▶ added to the sums so far
//! ```
//!
//! Source: "Online normalizer calculation for softmax", arXiv 1805.02867; "FlashAttention", arXiv 2205.14135.

use rayon::prelude::*;

use crate::IN_MIRI;
use crate::exponential::exp_lanes;
use crate::matrix::Matrix;
use crate::product::tile::{GROUP, Panel};
use crate::product::{Columns, Room, aligned, with_scratch};
use crate::vectors::{Job, Lanes, Processor};

/// Queries that are looked at together: three vectors of 16.
const QUERIES: usize = 48;
/// Keys whose scores are held together: 24 KiB with those queries.
const KEYS: usize = 128 / IN_MIRI;

/// One head of one sample.
pub(super) struct Head<'a> {
    /// `[queries, d]`.
    pub(super) queries: Matrix<'a>,
    /// `[keys, d]`.
    pub(super) keys: Matrix<'a>,
    /// `[keys, d]`.
    pub(super) values: Matrix<'a>,
    /// Whether a query sees only the keys up to its own place.
    pub(super) causal: bool,
}

impl Head<'_> {
    /// Writes the result of query i at `start + i · stride` in `room`.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit.
    ///
    /// # Safety
    ///
    /// Those places, each of d numbers, must lie inside of the room, and nobody else may use them meanwhile.
    pub(super) unsafe fn attend(&self, room: Room, start: usize, stride: usize) {
        let [queries, width] = self.queries.shape();
        let [keys, _] = self.keys.shape();
        assert_eq!(self.keys.shape(), [keys, width], "keys as wide as the queries");
        assert_eq!(self.values.shape(), [keys, width], "a value for each key");
        assert!(stride >= width, "places that do not meet");
        let (keys_whole, width_whole) = (keys.next_multiple_of(GROUP), width.next_multiple_of(GROUP));
        with_scratch(|buffer| {
            let (packed_keys, packed_values) =
                aligned(buffer, keys_whole * width + width_whole * keys).split_at_mut(keys_whole * width);
            self.keys.pack_groups(0..keys, 0..width, packed_keys);
            self.values.transposed().pack_groups(0..width, 0..keys, packed_values);
            let (packed_keys, packed_values) = (&*packed_keys, &*packed_values);
            (0..queries).into_par_iter().step_by(QUERIES).for_each(|first| {
                let count = QUERIES.min(queries - first);
                with_scratch(|buffer| {
                    let buffer = aligned(buffer, (width + KEYS + width_whole) * QUERIES);
                    let (packed_queries, buffer) = buffer.split_at_mut(width * QUERIES);
                    let (scores, sums) = buffer.split_at_mut(KEYS * QUERIES);
                    self.queries.transposed().pack(0..width, first..first + count, QUERIES, packed_queries);
                    let scale = 1.0 / (width as f32).sqrt();
                    packed_queries.iter_mut().for_each(|x| *x *= scale);
                    let block =
                        Block { head: self, packed_keys, packed_values, packed_queries, first, scores, sums };
                    let totals = block.attend();
                    for query in 0..count {
                        let share = 1.0 / totals[query];
                        // SAFETY: the caller's promise; each query has its own place.
                        let to = unsafe { room.part(start + (first + query) * stride, width) };
                        for (to, sums) in to.iter_mut().zip(sums.as_chunks::<QUERIES>().0) {
                            *to = sums[query] * share;
                        }
                    }
                });
            });
        });
    }
}

/// Some queries of a head.
struct Block<'a> {
    head: &'a Head<'a>,
    packed_keys: &'a [f32],
    packed_values: &'a [f32],
    /// `[d, QUERIES]`.
    packed_queries: &'a [f32],
    first: usize,
    /// `[KEYS, QUERIES]`.
    scores: &'a mut [f32],
    /// `[d, QUERIES]`.
    sums: &'a mut [f32],
}

impl Block<'_> {
    /// Leaves the weighted sums of the values in `sums`, and returns the sums of the weights.
    fn attend(self) -> [f32; QUERIES] {
        let processor = Processor::this();
        let [keys, width] = self.head.keys.shape();
        let seen = if self.head.causal { keys.min(self.first + QUERIES) } else { keys };
        let mut softmax = Softmax { highest: [f32::NEG_INFINITY; QUERIES], totals: [0.0; QUERIES] };
        for first in (0..seen).step_by(KEYS) {
            let count = KEYS.min(seen - first);
            let scores = Panel {
                a: self.packed_keys[first * width..].as_ptr(),
                a_group: width * GROUP,
                a_column: GROUP,
                b: self.packed_queries.as_ptr(),
                b_row: QUERIES,
                c: self.scores.as_mut_ptr(),
                c_row: QUERIES,
                rows: count,
                inner: width,
                columns: QUERIES,
                add: false,
            };
            // SAFETY: whole groups of keys are packed, the queries are `[d, QUERIES]`, and the scores have a row for
            // each key of the block.
            processor.run(unsafe { scores.job() });
            if self.head.causal {
                for (key, scores) in self.scores.as_chunks_mut::<QUERIES>().0[..count].iter_mut().enumerate()
                {
                    let hidden = (first + key).saturating_sub(self.first).min(QUERIES);
                    scores[..hidden].fill(f32::NEG_INFINITY);
                }
            }
            processor.run(SoftmaxJob {
                softmax: &mut softmax,
                scores: &mut self.scores.as_chunks_mut().0[..count],
                sums: &mut self.sums.as_chunks_mut().0[..width],
                begun: first > 0,
            });
            let sums = Panel {
                a: self.packed_values[first * GROUP..].as_ptr(),
                a_group: keys * GROUP,
                a_column: GROUP,
                b: self.scores.as_ptr(),
                b_row: QUERIES,
                c: self.sums.as_mut_ptr(),
                c_row: QUERIES,
                rows: width,
                inner: count,
                columns: QUERIES,
                add: first > 0,
            };
            // SAFETY: whole groups of channels are packed, for all keys; the sums have a row for each channel.
            processor.run(unsafe { sums.job() });
        }
        softmax.totals
    }
}

/// The softmax of each query so far.
struct Softmax {
    highest: [f32; QUERIES],
    totals: [f32; QUERIES],
}

/// Turns scores into weights e^(score - highest), after bringing what there is to the new highest.
struct SoftmaxJob<'a> {
    softmax: &'a mut Softmax,
    scores: &'a mut [[f32; QUERIES]],
    sums: &'a mut [[f32; QUERIES]],
    /// Whether there is anything so far.
    begun: bool,
}

impl Job for SoftmaxJob<'_> {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for lane in (0..QUERIES).step_by(L::COUNT) {
            // SAFETY: `lane` and the lanes after it are below `QUERIES`, the length of every array.
            unsafe {
                let before = L::load(self.softmax.highest.as_ptr().add(lane));
                let mut highest = [before; 4];
                let (fours, rest) = self.scores.as_chunks::<4>();
                for four in fours {
                    for i in 0..4 {
                        highest[i] = L::load(four[i].as_ptr().add(lane)).greater(highest[i]);
                    }
                }
                for scores in rest {
                    highest[0] = L::load(scores.as_ptr().add(lane)).greater(highest[0]);
                }
                let highest = highest[0].greater(highest[1]).greater(highest[2].greater(highest[3]));
                highest.store(self.softmax.highest.as_mut_ptr().add(lane));

                let mut totals = [L::splat(0.0); 4];
                let (fours, rest) = self.scores.as_chunks_mut::<4>();
                for four in fours {
                    for i in 0..4 {
                        let at = four[i].as_mut_ptr().add(lane);
                        let weight = exp_lanes(L::load(at).minus(highest));
                        weight.store(at);
                        totals[i] = totals[i].plus(weight);
                    }
                }
                for scores in rest {
                    let at = scores.as_mut_ptr().add(lane);
                    let weight = exp_lanes(L::load(at).minus(highest));
                    weight.store(at);
                    totals[0] = totals[0].plus(weight);
                }
                let mut total = totals[0].plus(totals[1]).plus(totals[2].plus(totals[3]));
                let at = self.softmax.totals.as_mut_ptr().add(lane);
                if self.begun {
                    let kept = exp_lanes(before.minus(highest));
                    total = L::load(at).times_plus(kept, total);
                    for sums in self.sums.iter_mut() {
                        let at = sums.as_mut_ptr().add(lane);
                        L::load(at).times(kept).store(at);
                    }
                }
                total.store(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::processors::{cases, numbers, on_each};

    /// The formula in f64: the result of each query.
    fn formula(q: &[f32], k: &[f32], v: &[f32], width: usize, causal: bool) -> Vec<f64> {
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let [q, k, v] = [q, k, v].map(wide);
        let mut result = Vec::new();
        for (query, q) in q.chunks_exact(width).enumerate() {
            let seen = if causal { query + 1 } else { usize::MAX };
            let score = |k: &[f64]| q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>() / (width as f64).sqrt();
            let scores: Vec<f64> = k.chunks_exact(width).take(seen).map(score).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (mut total, mut sums) = (0.0, vec![0.0; width]);
            for (score, v) in scores.iter().zip(v.chunks_exact(width)) {
                let weight = (score - highest).exp();
                total += weight;
                sums.iter_mut().zip(v).for_each(|(sum, v)| *sum += weight * v);
            }
            result.extend(sums.iter().map(|sum| sum / total));
        }
        result
    }

    /// Checks the second of three heads of these [queries, keys, d], whose numbers are below `size`.
    fn check([queries, keys, width]: [usize; 3], causal: bool, size: f32) -> Result<(), TestCaseError> {
        let [q, k, v] = [(queries, 1), (keys, 2), (keys, 3)].map(|(count, seed)| {
            numbers(count * width, seed).into_iter().map(|x| x * size).collect::<Vec<_>>()
        });
        let results = on_each(|| {
            let mut result = vec![f32::NAN; queries * 3 * width];
            let head = Head {
                queries: Matrix::whole(&*q, [queries, width]),
                keys: Matrix::whole(&*k, [keys, width]),
                values: Matrix::whole(&*v, [keys, width]),
                causal,
            };
            // SAFETY: each query has three places in the result, which nobody else has.
            unsafe { head.attend(Room::new(&mut result), width, 3 * width) };
            result
        });
        let exact = formula(&q, &k, &v, width, causal);
        for result in results {
            for (query, heads) in result.chunks_exact(3 * width).enumerate() {
                let (before, rest) = heads.split_at(width);
                let (own, behind) = rest.split_at(width);
                let mut others = before.iter().chain(behind);
                prop_assert!(others.all(|x| x.is_nan()), "another head's numbers were written");
                for (&actual, &exact) in own.iter().zip(&exact[query * width..]) {
                    // Scores of up to `√width · size²` are rounded before their exponential is taken.
                    let allowed = 1e-6 * size * (1.0 + size * size * (width as f32).sqrt());
                    let error = (f64::from(actual) - exact).abs();
                    prop_assert!(error <= f64::from(allowed), "{actual}, exactly {exact}");
                }
            }
        }
        Ok(())
    }

    #[test]
    #[should_panic = "keys as wide as the queries"]
    fn other_widths_are_refused() {
        let numbers = [0.0; 12];
        let matrix = |shape| Matrix::whole(&numbers[..], shape);
        let head =
            Head { queries: matrix([2, 6]), keys: matrix([4, 3]), values: matrix([4, 3]), causal: false };
        // SAFETY: both queries have their places.
        unsafe { head.attend(Room::new(&mut [0.0; 12]), 0, 6) };
    }

    proptest! {
        #![proptest_config(cases(64))]

        #[test]
        fn a_head_is_the_formula_on_each_processor(
            many_queries in [49usize..100, 1..9, 1..6],
            many_keys in [0usize..9, 17..300 / IN_MIRI, 1..6],
            wide in [0usize..9, 1..9, 1..70 / IN_MIRI],
            causal: bool,
            size in 0.1f32..10.0,
        ) {
            for shape in [many_queries, many_keys, wide] {
                check(shape, causal, size)?;
            }
        }
    }
}
