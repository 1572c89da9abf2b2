//! How long something takes, printed for `cargo xtask bench`.

use std::hint::black_box;
use std::time::Instant;

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
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    let median = (seconds[middle] + seconds[(seconds.len() - 1) / 2]) / 2.0;
    println!("{}", json!({"what": what, "seconds": median}));
}

/// Seconds that `work` takes, done once.
pub(crate) fn stage<T>(stage: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(work());
    println!("{}", json!({"what": format!("full size, {stage}"), "seconds": start.elapsed().as_secs_f64()}));
    result
}
