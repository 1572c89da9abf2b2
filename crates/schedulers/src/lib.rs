//! schedulers

#![forbid(unsafe_code)]

mod noise;
mod scheduler;

pub use noise::NoiseSource;
pub use scheduler::{Sampling, SamplingOptions, Scheduler, SchedulerError};
