//! The most that the processor can do, to compare with. For benchmarks alone.

use std::hint::black_box;
use std::time::Instant;

use crate::vectors::{Job, Lanes, Processor};

/// Sums that do not wait for one another: enough for two units of four cycles each, and for 16 registers.
const CHAINS: usize = 12;
/// Additions to each sum: some milliseconds of them.
const LENGTH: usize = 1 << 22;
/// Of so many tries the fastest counts.
const TRIES: usize = 12;

/// Multiplications, each with an addition, that all threads of the current pool can do in a second: f32, with the widest
/// vectors that the kernels use, and nothing read from memory. The tiles of AMX, and convolutions that need fewer
/// multiplications than their definition, can do more.
pub fn peak_multiply_adds() -> f64 {
    let threads = rayon::current_num_threads();
    let count = (threads * CHAINS * LENGTH * Processor::this().lanes()) as f64;
    let seconds = (0..TRIES).map(|_| {
        let start = Instant::now();
        rayon::broadcast(|_| Processor::this().run(Chains));
        start.elapsed().as_secs_f64()
    });
    count / seconds.fold(f64::INFINITY, f64::min)
}

/// Multiplies and adds in registers.
struct Chains;

impl Job for Chains {
    type Result = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        // The sums stay between 0 and 12.
        let (by, plus) = (L::splat(black_box(0.5)), L::splat(black_box(1.0)));
        let mut sums = [plus; CHAINS];
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = L::splat(i as f32);
        }
        for _ in 0..LENGTH {
            for sum in &mut sums {
                *sum = sum.times_plus(by, plus);
            }
        }
        black_box(sums);
    }
}
