//! The vectors of the processor: which there are, and how a loop is compiled for them.

mod fours;
mod lanes;
mod transpose;

use lanes::Four;
#[cfg(target_arch = "x86_64")]
use lanes::{Eight, Sixteen};

pub(crate) use lanes::Lanes;
pub(crate) use transpose::SQUARE;

#[cfg(target_arch = "x86_64")]
use crate::product::amx;

/// Asks for the line of the caches that `number` is in; it may point anywhere.
#[inline(always)]
pub(crate) fn prefetch(number: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: all such processors have the instruction, and it reads nothing that a program could see.
    unsafe {
        use std::arch::x86_64::*;
        _mm_prefetch::<_MM_HINT_T0>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

/// A loop that is written once for all vectors.
pub(crate) trait Job {
    /// What it gives.
    type Result;

    /// Runs it; must be `#[inline(always)]`, as must all that it calls, to be compiled for the vectors' instructions.
    fn run<L: Lanes>(self) -> Self::Result;
}

/// What the processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Processor(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// AVX-512F: 32 vectors of 16. And the tiles of AMX.
    #[cfg(target_arch = "x86_64")]
    Amx,
    /// AVX-512F alone.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA: 16 vectors of 8.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the compiler was told to expect: vectors of 4.
    Plain,
}

#[cfg(test)]
thread_local! {
    static PRETENDED: std::cell::Cell<Option<Processor>> = const { std::cell::Cell::new(None) };
}

impl Processor {
    /// All that this machine can be, the best first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [
            #[cfg(target_arch = "x86_64")]
            (is_x86_feature_detected!("avx512f") && amx::is_there()).then_some(Self(Kind::Amx)),
            #[cfg(target_arch = "x86_64")]
            is_x86_feature_detected!("avx512f").then_some(Self(Kind::Avx512)),
            #[cfg(target_arch = "x86_64")]
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(Kind::Avx2)),
            Some(Self(Kind::Plain)),
        ]
        .into_iter()
        .flatten()
    }

    /// The best that this machine can do.
    #[inline]
    pub(crate) fn this() -> Self {
        #[cfg(test)]
        if let Some(processor) = PRETENDED.get() {
            return processor;
        }
        Self::all().next().unwrap_or(Self(Kind::Plain))
    }

    /// Runs `f` as if this were all that this thread has.
    #[cfg(test)]
    pub(crate) fn pretend<R>(self, f: impl FnOnce() -> R) -> R {
        PRETENDED.set(Some(self));
        let result = f();
        PRETENDED.set(None);
        result
    }

    /// Whether it multiplies matrices by itself.
    pub(crate) fn has_tiles(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Kind::Amx;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Amx | Kind::Avx512 => Sixteen::COUNT,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Eight::COUNT,
            Kind::Plain => Four::COUNT,
        }
    }

    /// Runs `job`, compiled for its vectors.
    #[inline]
    pub(crate) fn run<J: Job>(self, job: J) -> J::Result {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f")]
        fn avx512<J: Job>(job: J) -> J::Result {
            job.run::<Sixteen>()
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2<J: Job>(job: J) -> J::Result {
            job.run::<Eight>()
        }
        match self.0 {
            // SAFETY: a processor is only ever made of what the machine was found to have (`Processor::all`).
            #[cfg(target_arch = "x86_64")]
            Kind::Amx | Kind::Avx512 => unsafe { avx512(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2(job) },
            Kind::Plain => job.run::<Four>(),
        }
    }
}
