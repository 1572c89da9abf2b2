//! Noise schedules, timestep spacings and samplers of latent diffusion, and the random numbers that they start from.
//!
//! ```text
//! scheduler_config.json ─▶ SchedulerConfig ─build(kind)─▶ Scheduler (immutable, shared)
//!                                                             │ begin(steps, eta)
//!                                                             ▼
//!   seed ─▶ NoiseSource ─▶ noise · init_noise_sigma ─▶ ┌─ Sampling (one generation) ─┐
//!                                                      │ for each of its timesteps:  │
//!                          network ◀─────────────────── │ scale_model_input(sample)   │
//!                             └──── model output ─────▶ │ step(output, sample)        │ ─▶ clean sample
//!                                                      └─────────────────────────────┘
//! ```
//!
//! Three things are kept apart: where the noise levels come from (noise schedule and timesteps), what the network's
//! output means ([`PredictionType`]), and the step of a method, one file each. What a method remembers between steps
//! lives in its [`Sampling`], so a [`Scheduler`] serves any number of generations at once.
//!
//! But for DDIM and PNDM a method is a formula for weights: of the sample, of the last predictions and of fresh noise.
//! What a run does with them is written once, in `linear.rs`. Where the levels lie is written twice, for samples x₀ + σ ε
//! (`exploding.rs`) and for √ᾱ x₀ + √(1 − ᾱ) ε (`preserving.rs`).
//!
//! [`SeededNoise`] gives every image of a batch its own stream; [`TorchNoise`] repeats torch's CPU generator to the
//! bit, for pictures that agree with the reference's.
//!
//! ```
//! use gligen_schedulers::{NoiseSource, SamplingOptions, SchedulerConfig, SeededNoise};
//!
//! let json = r#"{
//!     "_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
//!     "skip_prk_steps": true, "steps_offset": 1, "set_alpha_to_one": false
//! }"#;
//! let config = SchedulerConfig::from_json(json)?;
//! let scheduler = config.build(Some("euler".parse()?))?; // `None` would build the class that the config names
//!
//! let device = gligen_testkit::devices().remove(0);
//! let mut noise = SeededNoise::new(vec![42]);
//! let mut sampling = scheduler.begin(&SamplingOptions { steps: 4, eta: 0.0 })?;
//! let mut sample = noise.normal([1, 4, 8, 8], &device) * sampling.init_noise_sigma();
//! for index in 0..sampling.timesteps().len() {
//!     let input = sampling.scale_model_input(sample.clone(), index);
//!     let output = input * 0.1; // here a network would predict the noise in `input`
//!     sample = sampling.step(output, index, sample, &mut noise);
//! }
//! assert_eq!(sample.dims(), [1, 4, 8, 8]);
//! # Ok::<(), gligen_schedulers::SchedulerError>(())
//! ```
//!
//! A further scheduler is one file beside `euler.rs` and one row in the table of `kind.rs`; the laws in
//! `tests/laws.rs` then hold it to what all of them promise.

#![forbid(unsafe_code)]

mod a1111;
mod beta_quantile;
mod clipping;
mod config;
mod ddim;
mod ddpm;
mod deis;
mod dpm2;
mod dpm2_ancestral;
mod dpm_multistep;
mod dpm_singlestep;
mod dpm_solver;
mod dpmpp_sde;
mod error;
mod euler;
mod euler_ancestral;
mod exploding;
mod exponential;
mod heun;
mod kind;
mod lcm;
mod linear;
mod lms;
mod noise;
mod noise_schedule;
mod pndm;
mod prediction;
mod preserving;
mod python_json;
mod scheduler;
mod sigmas;
mod timesteps;
mod torch_noise;
mod unipc;

pub use config::{BetaSchedule, FinalSigmas, SchedulerConfig};
pub use error::SchedulerError;
pub use kind::SchedulerKind;
pub use noise::{NoiseSource, SeededNoise};
pub use prediction::PredictionType;
pub use scheduler::{Sampling, SamplingOptions, Scheduler};
pub use timesteps::TimestepSpacing;
pub use torch_noise::TorchNoise;
