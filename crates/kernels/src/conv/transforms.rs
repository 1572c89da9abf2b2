//! The three transforms of Winograd's convolution F(4×4, 3×3), each for as many tiles as a vector has lanes.
//!
//! A row of four results of three weights over six pixels is a product of polynomials, which is found from its values
//! at the points 0, ±3/4, ±3/2 and ∞: six multiplications in the place of twelve. The usual points 0, ±1, ±2 and ∞
//! lose twice as many digits. Source: "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308; on the
//! points, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", arXiv
//! 1803.10986.

use crate::vectors::Lanes;

/// The two positive points, and the powers of them that are needed; all are exact.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// Six pixels in a row to their six values.
#[inline(always)]
pub(super) fn pixels<L: Lanes>(d: [L; 6]) -> [L; 6] {
    let by = |x: L, factor: f32, plus: L| x.times_plus(L::splat(factor), plus);
    let [d0, d1, d2, d3, d4, d5] = d;
    let (even_a, odd_a) = (by(d2, -B2, d4), by(d1, -B2, d3));
    let (even_b, odd_b) = (by(d2, -A2, d4), by(d1, -A2, d3));
    [
        by(d0, A2 * B2, by(d2, -(A2 + B2), d4)),
        by(odd_a, A, even_a),
        by(odd_a, -A, even_a),
        by(odd_b, B, even_b),
        by(odd_b, -B, even_b),
        by(d1, A2 * B2, by(d3, -(A2 + B2), d5)),
    ]
}

/// Three weights in a row to their six values, divided by what the interpolation divides by.
#[inline(always)]
pub(super) fn weights<L: Lanes>([g0, g1, g2]: [L; 3]) -> [L; 6] {
    const ZERO: f32 = 1.0 / (A2 * B2);
    const AT_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
    const AT_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
    let by = |x: L, factor: f32, plus: L| x.times_plus(L::splat(factor), plus);
    let (even_a, even_b) = (by(g2, A2, g0), by(g2, B2, g0));
    let scaled = |x: L, factor: f32| x.times(L::splat(factor));
    [
        scaled(g0, ZERO),
        scaled(by(g1, A, even_a), AT_A),
        scaled(by(g1, -A, even_a), AT_A),
        scaled(by(g1, B, even_b), AT_B),
        scaled(by(g1, -B, even_b), AT_B),
        g2,
    ]
}

/// Six products to four results in a row.
#[inline(always)]
pub(super) fn results<L: Lanes>([m0, m1, m2, m3, m4, m5]: [L; 6]) -> [L; 4] {
    let by = |x: L, factor: f32, plus: L| x.times_plus(L::splat(factor), plus);
    let (even_a, odd_a) = (m1.plus(m2), m1.minus(m2));
    let (even_b, odd_b) = (m3.plus(m4), m3.minus(m4));
    [
        m0.plus(even_a).plus(even_b),
        by(odd_a, A, odd_b.times(L::splat(B))),
        by(even_a, A2, even_b.times(L::splat(B2))),
        by(odd_a, A * A2, by(odd_b, B * B2, m5)),
    ]
}
