//! Mean and variance of many numbers, without losing digits.

/// What a normalisation subtracts and multiplies by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statistics {
    pub(crate) mean: f32,
    /// 1 / √(variance + ε).
    pub(crate) inverse_deviation: f32,
}

impl Statistics {
    /// In two passes, so that a mean far from zero does no harm.
    #[inline(always)]
    pub(crate) fn of(numbers: &[f32], epsilon: f64) -> Self {
        let count = numbers.len() as f64;
        let exact_mean = sum(numbers, |x| x) / count;
        let mean = exact_mean as f32;
        // Var = E[(x - m)²] - (E[x] - m)², with m the rounded mean.
        let offset = exact_mean - f64::from(mean);
        let variance = sum(numbers, |x| (x - mean) * (x - mean)) / count - offset * offset;
        Self { mean, inverse_deviation: (1.0 / (variance + epsilon).sqrt()) as f32 }
    }
}

/// Sum of `f` over `numbers`: 64 sums in f32 beside each other for the vector units, gathered in f64 before they grow
/// long enough to round badly. The order is fixed, so threads and widths do not change it.
#[inline(always)]
fn sum(numbers: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    const LANES: usize = 64;
    let mut total = 0.0;
    for block in numbers.chunks(64 * LANES) {
        let mut lanes = [0.0f32; LANES];
        let (whole, rest) = block.as_chunks::<LANES>();
        for row in whole {
            for (lane, &x) in lanes.iter_mut().zip(row) {
                *lane += f(x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f(x);
        }
        let mut sums = [0.0f64; 8];
        for eight in lanes.as_chunks::<8>().0 {
            for (sum, &x) in sums.iter_mut().zip(eight) {
                *sum += f64::from(x);
            }
        }
        total += sums.iter().sum::<f64>();
    }
    total
}
