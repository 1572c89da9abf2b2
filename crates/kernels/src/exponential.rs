//! e^x and the error function in plain arithmetic, which a compiler can do for many numbers at once.

use crate::vectors::Lanes;

/// Adding it to a small number rounds that to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23
const LN_2_HIGH: f32 = 0.693_359_4; // exact in 10 bits, so n · LN_2_HIGH is exact
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// The error function: Abramowitz and Stegun 7.1.26, of absolute error 1.5e-7.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial =
        ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_7) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    (1.0 - polynomial * exp(-x * x)).copysign(x)
}

/// e^x without a branch, so that it vectorises; infinity above 88.3 and e^-87 below -87, where the sums it goes into
/// have long forgotten it.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by Taylor's polynomial of degree 7 (relative error 4e-9 before
/// rounding), 2^n by its exponent bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Not `clamp`, whose NaN would become a number; comparisons keep it.
    let x = if x > 89.0 { 89.0 } else { x }; // 2^128, which is infinity
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let tail =
        ((((r * (1.0 / 5040.0) + 1.0 / 720.0) * r + 1.0 / 120.0) * r + 1.0 / 24.0) * r + 1.0 / 6.0) * r + 0.5;
    let e_r = (tail * r + 1.0) * r + 1.0;
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    e_r * f32::from_bits(exponent)
}

/// e^x of a vector, for x up to 0, as [`exp`] but with fused arithmetic; relative error below 3e-7; e⁻⁸⁷ below -87.
#[inline(always)]
pub(crate) fn exp_lanes<L: Lanes>(x: L) -> L {
    let x = L::splat(-87.0).greater(x); // in this order, which keeps NaN
    let n = x.times_plus(L::splat(std::f32::consts::LOG2_E), L::splat(ROUND)).minus(L::splat(ROUND));
    let r = n.times_plus(L::splat(-LN_2_LOW), n.times_plus(L::splat(-LN_2_HIGH), x));
    // Taylor's polynomial of degree 6: 1.2e-7 at |r| = ln 2 / 2.
    let mut e_r = L::splat(1.0 / 720.0);
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        e_r = e_r.times_plus(r, L::splat(coefficient));
    }
    e_r.times_two_to(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{Job, Processor};

    /// As many numbers as the widest vector has.
    struct Exponentials<'a>(&'a mut [f32; 16]);

    impl Job for Exponentials<'_> {
        type Result = ();

        #[inline(always)]
        fn run<L: Lanes>(self) {
            for lane in (0..16).step_by(L::COUNT) {
                // SAFETY: `lane` and the lanes after it are below 16.
                unsafe {
                    let at = self.0.as_mut_ptr().add(lane);
                    exp_lanes(L::load(at)).store(at);
                }
            }
        }
    }

    #[test]
    fn of_vectors_is_as_exact_as_stated() {
        let step = if cfg!(miri) { 1.7 } else { 1e-4 };
        let inputs = (0..).map(|i| i as f32 * -step).take_while(|&x| x > -90.0).collect::<Vec<_>>();
        for processor in Processor::all() {
            let mut worst = 0.0f64;
            for some in inputs.chunks(16) {
                let mut numbers = [f32::NAN; 16];
                numbers[..some.len()].copy_from_slice(some);
                processor.run(Exponentials(&mut numbers));
                for (&x, &y) in some.iter().zip(&numbers) {
                    let exact = f64::from(x.max(-87.0)).exp();
                    worst = worst.max((f64::from(y) / exact - 1.0).abs());
                }
                assert!(numbers[some.len()..].iter().all(|y| y.is_nan()), "what is no number stays none");
            }
            println!("{processor:?}: relative error {worst:.2e}");
            assert!(worst < 3e-7, "{processor:?}: {worst:e}");
        }
    }
}
