//! Quantiles of the symmetric beta distribution.

/// x with I_x(a, a) = `p`, for `p` in 0..=1 and a > 0: the share `p` of the distribution lies below it.
///
/// By symmetry only x ≤ ½ has to be found, where the incomplete beta function is a series whose terms halve at least
/// (NIST DLMF 8.17.7); and it is half of the complete one at ½, so that no gamma function is needed.
pub(crate) fn beta_quantile(p: f64, a: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p > 0.5 {
        return 1.0 - beta_quantile(1.0 - p, a);
    }
    let wanted = p * 2.0 * incomplete_beta(0.5, a);
    let (mut low, mut high) = (0.0, 0.5);
    // Bisection until no number lies between: some 60 rounds, and a few more for the smallest.
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if incomplete_beta(middle, a) < wanted { low = middle } else { high = middle }
    }
}

/// ∫ t^(a−1) (1 − t)^(a−1) dt from 0 to `x` ≤ ½.
fn incomplete_beta(x: f64, a: f64) -> f64 {
    // The power series of (1 − t)^(a−1), integrated term by term.
    let mut coefficient = 1.0;
    let mut sum = 0.0;
    for n in 0.. {
        let n = f64::from(n);
        let term = coefficient / (a + n);
        sum += term;
        if term.abs() <= f64::EPSILON * 0.01 * sum.abs() {
            break;
        }
        coefficient *= x * (n + 1.0 - a) / (n + 1.0);
    }
    libm::pow(x, a) * sum
}

#[cfg(test)]
mod tests {
    use super::beta_quantile;

    /// a = ½ is the arcsine distribution, a = 1 the uniform one.
    #[test]
    fn quantiles_that_have_a_closed_form() {
        for p in [0.0, 1e-6, 0.1, 0.25, 0.5, 0.75, 0.999, 1.0] {
            let sine = libm::sin(std::f64::consts::FRAC_PI_2 * p);
            assert!((beta_quantile(p, 0.5) - sine * sine).abs() < 1e-14, "{p}");
            assert!((beta_quantile(p, 1.0) - p).abs() < 1e-15, "{p}");
        }
    }

    /// Values of `scipy.stats.beta.ppf(p, 0.6, 0.6)`, scipy 1.17.1.
    #[test]
    fn quantiles_of_scipy() {
        for (p, x) in [
            (0.001, 1.855873851745199e-05),
            (0.05, 0.012554456873611399),
            (0.3, 0.23401700387523572),
            (0.5, 0.5),
            (0.9, 0.9604155944112192),
            (0.999, 0.9999814412614826),
        ] {
            assert!((beta_quantile(p, 0.6) - x).abs() < 1e-14 * x, "{p}: {}", beta_quantile(p, 0.6));
        }
    }
}
