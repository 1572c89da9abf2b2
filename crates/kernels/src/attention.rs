//! Scaled dot-product attention over heads.

use burn::Tensor;
use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;

#[cfg(feature = "flex")]
use crate::flex;

#[cfg(feature = "flex")]
mod online;

/// `softmax(q kᵀ / √d) v` in every head. `queries`: `[batch, heads, queries, d]`; `keys` and `values`:
/// `[batch, heads, keys, d]`; the result has the shape of `queries`. `causal` hides later keys from each query.
///
/// The fast path goes over queries and keys in blocks, so that no more than a block of scores ever exists.
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
    use rayon::prelude::*;

    use super::online::Head;
    use crate::flex::{matrix, primitive, tensor};
    use crate::memory::for_results;
    use crate::product::Room;

    pub(super) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, causal: bool) -> Tensor<4> {
        let [batch, heads, queries, d] = q.dims();
        assert_eq!(k.dims(), v.dims(), "shapes of keys and values");
        assert_eq!([batch, heads, d], [k.dims()[0], k.dims()[1], k.dims()[3]], "shapes of queries and keys");
        let [q, k, v] = [q, k, v].map(primitive);
        // The heads of a token lie beside each other, as the projection after attention wants them.
        let mut result = for_results(batch * queries * heads * d); // [batch, queries, heads, d]
        let room = Room::new(&mut result);
        (0..batch * heads).into_par_iter().for_each(|index| {
            let (sample, head) = (index / heads, index % heads);
            let [queries_of, keys, values] = [&q, &k, &v].map(|x| matrix(x, [sample, head]));
            let head = Head { queries: queries_of, keys, values, causal };
            // SAFETY: each head of each token has numbers of its own.
            unsafe { head.attend(room, (sample * queries * heads + index % heads) * d, heads * d) };
        });
        tensor(result, [batch, queries, heads, d]).swap_dims(1, 2)
    }
}
