//! The few operations of a latent diffusion model that deserve a fast CPU path, and the choice of a device.
//!
//! ```text
//!                 ┌─ flex, f32 ──▶ one fused pass over memory, every thread, vectorised
//! silu(x), … ─────┤
//!                 └─ any other ──▶ the plain Burn version: the specification
//! ```
//!
//! Each operation stands in one file with its plain version, and `tests/` holds the two together. What is `unsafe` is
//! tested below Burn's tensors, so that Miri can run it (`cargo xtask miri`): on all vectors, by several threads. The
//! tiles of AMX, which it cannot, are in the same tests where a machine has them. This is the one
//! crate of the workspace that names backends: its features (`flex`, `ndarray`, `cuda`, `vulkan`, `wgpu`, `metal`)
//! switch them on, and [`device::parse`] picks one at run time.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::Tensor;
//!
//! let device = gligen_kernels::device::parse("flex").unwrap();
//! let x = Tensor::<1>::from_floats([-1.0, 0.0, 1.0], &device);
//! let y: Vec<f32> = gligen_kernels::silu(x).into_data().try_into_vec_as().unwrap();
//! assert!((y[2] - 0.7310586).abs() < 1e-6);
//! # }
//! ```

mod activation;
mod attention;
mod conv;
pub mod device;
#[cfg(feature = "flex")]
mod exponential;
#[cfg(feature = "flex")]
mod flex;
mod group_norm;
mod layer_norm;
mod linear;
#[cfg(feature = "flex")]
mod matrix;
#[cfg(feature = "flex")]
mod memory;
#[cfg(feature = "flex")]
mod numbers;
#[cfg(feature = "flex")]
mod peak;
#[cfg(all(test, feature = "flex"))]
mod processors;
#[cfg(feature = "flex")]
mod product;
mod samples;
#[cfg(feature = "flex")]
mod statistics;
mod stored;
mod upsample;
#[cfg(feature = "flex")]
mod vectors;

pub use activation::{geglu, geglu_plain, gelu, gelu_plain, quick_gelu, quick_gelu_plain, silu, silu_plain};
pub use attention::{attention, attention_plain, join_heads, split_heads};
pub use conv::{Placement, conv2d, conv2d_plain};
pub use group_norm::{group_norm, group_norm_plain};
pub use layer_norm::{layer_norm, layer_norm_plain};
pub use linear::{linear, linear_plain};
#[cfg(feature = "flex")]
#[doc(hidden)] // for the workspace's benchmarks alone, which must count on the kernels' own vectors
pub use peak::peak_multiply_adds;
pub use samples::{map_parts, parts, token_parts};
pub use stored::{reads_halves, widened};
pub use upsample::{upsample_nearest, upsample_nearest_plain};

/// What sizes of blocks, and by powers of it the sizes from which threads or kept memory pay, are divided by where Miri
/// runs the tests: it is a thousand times slower, and sees the same.
#[cfg(feature = "flex")]
const IN_MIRI: usize = if cfg!(miri) { 8 } else { 1 };

/// Frees the memory that large results on flex have left behind and that is kept for the next ones: for when none are to
/// come soon. A pipeline does so after each run; who uses a network alone may.
pub fn release_memory() {
    #[cfg(feature = "flex")]
    memory::release();
}
