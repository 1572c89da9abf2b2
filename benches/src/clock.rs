//! How long something takes and how much work it is, printed for `cargo xtask bench`.

use std::hint::black_box;
use std::time::Instant;

use gligen_kernels::peak_multiply_adds;
use serde_json::json;

/// Seconds that `work` takes: one run to warm up, then runs for half a second, five at least, of which the median.
pub(crate) fn layer<T>(what: &str, mut work: impl FnMut() -> T) {
    black_box(work());
    let mut seconds: Vec<f64> = Vec::new();
    while seconds.len() < 5 || seconds.iter().sum::<f64>() < 0.5 {
        let start = Instant::now();
        black_box(work());
        seconds.push(start.elapsed().as_secs_f64());
    }
    print(what, "s", median(&mut seconds));
}

/// Seconds that `work` takes, done once.
pub(crate) fn stage<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(work());
    print(what, "s", start.elapsed().as_secs_f64());
    result
}

/// Says that `what`, which is timed elsewhere, takes `count` multiplications.
pub(crate) fn counted(what: &str, count: f64) {
    print(what, "multiply-adds", count);
}

/// Measures what this machine can do at best.
pub(crate) fn peak() {
    print("peak of the machine", "multiply-adds/s", peak_multiply_adds());
}

/// The median of `values`, at least one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2] + values[(values.len() - 1) / 2]) / 2.0
}

/// One line for `cargo xtask bench`.
pub(crate) fn print(what: &str, unit: &str, value: f64) {
    println!("{}", json!({"what": what, "unit": unit, "value": value}));
}
