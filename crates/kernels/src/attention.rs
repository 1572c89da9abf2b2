//! Scaled dot-product attention over heads.

use burn::Tensor;
use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;

#[cfg(feature = "flex")]
use crate::flex;

/// `softmax(q kᵀ / √d) v` in every head. `queries`: `[batch, heads, queries, d]`; `keys` and `values`:
/// `[batch, heads, keys, d]`; the result has the shape of `queries`. `causal` hides later keys from each query.
///
/// The fast path goes over the queries in blocks, so that the scores of all queries never exist together.
///
/// Source: "Attention Is All You Need", arXiv 1706.03762, equation 1.
pub fn attention(queries: Tensor<4>, keys: Tensor<4>, values: Tensor<4>, causal: bool) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if [&queries, &keys, &values].into_iter().all(flex::applies) && keys.dims().iter().all(|&axis| axis > 0) {
        return fast::attention(queries, keys, values, causal);
    }
    attention_plain(queries, keys, values, causal)
}

/// The plain version of [`attention`].
pub fn attention_plain(queries: Tensor<4>, keys: Tensor<4>, values: Tensor<4>, causal: bool) -> Tensor<4> {
    // The scale is left at its default, 1/√d: naming it sends GPUs to a path that makes the whole score matrix.
    let options = AttentionModuleOptions { is_causal: causal, ..Default::default() };
    module::attention(queries, keys, values, None, None, options)
}

/// `[batch, tokens, heads · d]` to `[batch, heads, tokens, d]`.
pub fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, tokens, width] = x.dims();
    x.reshape([batch, tokens, heads, width / heads]).swap_dims(1, 2)
}

/// `[batch, heads, tokens, d]` to `[batch, tokens, heads · d]`.
pub fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, tokens, d] = x.dims();
    x.swap_dims(1, 2).reshape([batch, tokens, heads * d])
}

#[cfg(feature = "flex")]
mod fast {
    use burn::Tensor;
    use burn::backend::Flex;
    use burn::backend::flex::FlexTensor;
    use rayon::prelude::*;

    use crate::exponential::exp;
    use crate::flex::{Matrix, multiply, tensor, vectorised};

    /// Queries whose scores are held together: 64 rows of 4096 keys are 1 MiB, which stays in L2.
    const QUERIES: usize = 64;

    pub(super) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, causal: bool) -> Tensor<4> {
        let ([batch, heads, queries, d], [_, _, keys, _]) = (q.dims(), k.dims());
        let [q, k, v] = [q, k, v].map(|x| match x.try_into_primitive::<Flex>() {
            Ok(x) => x,
            Err(_) => unreachable!("`applies` was asked before"),
        });
        // The heads of a token lie beside each other, as the projection after attention wants them.
        let mut result = vec![0.0; batch * queries * heads * d]; // [batch, queries, heads, d]
        // Fewer at a time where there are few, so that every thread has some.
        let block = QUERIES.min(queries.div_ceil(8)).max(1);
        result.par_chunks_mut((queries * heads * d).max(1)).enumerate().for_each(|(sample, result)| {
            result.par_chunks_mut(block * heads * d).enumerate().for_each_init(
                Vec::new,
                |scores, (index, result)| {
                    let first = index * block;
                    let count = result.len() / (heads * d);
                    scores.resize(count * keys, 0.0);
                    for head in 0..heads {
                        let q = head_of(&q, sample, head).rows(first, count);
                        let (k, v) = (head_of(&k, sample, head), head_of(&v, sample, head));
                        multiply(1.0 / (d as f32).sqrt(), &q, &k.transposed(), scores, keys);
                        let mut totals = [0.0; QUERIES];
                        for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
                            let seen = if causal { (first + row + 1).min(keys) } else { keys };
                            scores[seen..].fill(0.0);
                            totals[row] = exponentials(&mut scores[..seen]);
                        }
                        let scores = Matrix::new(scores, 0, [count, keys], [keys as isize, 1]);
                        multiply(1.0, &scores, &v, &mut result[head * d..], heads * d);
                        for (row, total) in result.chunks_exact_mut(heads * d).zip(totals) {
                            row[head * d..][..d].iter_mut().for_each(|x| *x /= total);
                        }
                    }
                },
            );
        });
        tensor(result, [batch, queries, heads, d]).swap_dims(1, 2)
    }

    /// One head of `x`, `[batch, heads, tokens, d]`, as a matrix of tokens.
    fn head_of(x: &FlexTensor, sample: usize, head: usize) -> Matrix<'_> {
        let (layout, strides) = (x.layout(), x.layout().strides());
        let start =
            layout.start_offset() as isize + sample as isize * strides[0] + head as isize * strides[1];
        let shape = layout.shape();
        Matrix::new(x.storage(), start as usize, [shape[2], shape[3]], [strides[2], strides[3]])
    }

    /// Turns scores into e^(score - highest) and returns their sum.
    fn exponentials(scores: &mut [f32]) -> f32 {
        const LANES: usize = 16;
        vectorised(
            #[inline(always)]
            || {
                let mut highest = [f32::NEG_INFINITY; LANES];
                let (whole, rest) = scores.as_chunks::<LANES>();
                for row in whole {
                    for (highest, &score) in highest.iter_mut().zip(row) {
                        *highest = if score > *highest { score } else { *highest };
                    }
                }
                let highest = highest.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| a.max(b));

                let mut sums = [0.0; LANES];
                let (whole, rest) = scores.as_chunks_mut::<LANES>();
                for row in whole {
                    for (sum, score) in sums.iter_mut().zip(row) {
                        *score = exp(*score - highest);
                        *sum += *score;
                    }
                }
                for (sum, score) in sums.iter_mut().zip(rest) {
                    *score = exp(*score - highest);
                    *sum += *score;
                }
                sums.iter().sum()
            },
        )
    }
}
