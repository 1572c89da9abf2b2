//! Scaled dot-product attention over heads.

use burn::Tensor;
use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;

/// `softmax(q kᵀ / √d) v` in every head. `queries`: `[batch, heads, queries, d]`; `keys` and `values`:
/// `[batch, heads, keys, d]`; the result has the shape of `queries`. `causal` hides later keys from each query.
///
/// Source: "Attention Is All You Need", arXiv 1706.03762, equation 1.
pub fn attention(queries: Tensor<4>, keys: Tensor<4>, values: Tensor<4>, causal: bool) -> Tensor<4> {
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
