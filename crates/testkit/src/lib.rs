//! Reads stored tensors of the reference and compares with them, printing how much of the allowance was used; a hub to
//! fetch from, in the test's own process; and examples to run.
//!
//! ```no_run
//! use gligen_testkit::{Fixture, assert_close, devices};
//!
//! let fixture = Fixture::open("fuser");
//! for device in devices() {
//!     let expected = fixture.tensor::<3>("output", &device);
//!     assert_close("output", expected.clone(), expected, 1e-5);
//! }
//! ```

#![forbid(unsafe_code)]

mod hub_server;
mod model;

pub use hub_server::{Fault, HubServer, Seen};
pub use model::assemble;

use std::path::PathBuf;
use std::process::Command;

use burn::tensor::{DType, TensorData};
use burn::{Tensor, tensor::Device};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

/// The folder of stored tensors and small models.
pub fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"))
}

/// Runs `examples/NAME.rs` of the crate whose test this is.
pub fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test has a file");
    // Cargo builds the examples before it runs the tests, into the folder beside that of the tests.
    let folder = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
    let path = folder.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.is_file(), "{}: `cargo test -p` with the crate's name builds it", path.display());
    Command::new(path)
}

/// The devices that a test of numbers runs on: flex, and ndarray as a second opinion.
pub fn devices() -> Vec<Device> {
    #[allow(deprecated)] // Burn deprecates ndarray; here it only compares.
    let ndarray = Device::ndarray();
    vec![Device::flex(), ndarray]
}

/// A file of stored tensors.
pub struct Fixture {
    name: String,
    metadata: Metadata,
    /// What lies behind the header.
    data: Vec<u8>,
}

impl Fixture {
    /// Opens `fixtures/NAME.safetensors`.
    pub fn open(name: &str) -> Self {
        let path = fixtures().join(format!("{name}.safetensors"));
        let mut bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (header, metadata) =
            SafeTensors::read_metadata(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let data = bytes.split_off(size_of::<u64>() + header);
        Self { name: name.into(), metadata, data }
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.metadata.tensors().into_keys().collect();
        names.sort();
        names
    }

    /// What the file's header says of `key`, beside its tensors.
    pub fn note(&self, key: &str) -> &str {
        let notes = self.metadata.metadata().as_ref();
        notes.and_then(|notes| notes.get(key)).unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }

    /// Whether there is a tensor `name`.
    pub fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// The stored f32 tensor `name`; a number of rank 0 comes as `[1]`.
    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let shape = match self.shape(name) {
            shape if shape.is_empty() => vec![1],
            shape => shape,
        };
        Tensor::from_data(TensorData::new(self.floats(name), shape), (device, DType::F32))
    }

    /// The numbers of the stored f32 tensor `name`, in row-major order.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.stored(name, Dtype::F32).as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
    }

    /// The numbers of the stored i64 tensor `name`, in row-major order.
    pub fn integers(&self, name: &str) -> Vec<i64> {
        self.stored(name, Dtype::I64).as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect()
    }

    /// The bytes of the stored u8 tensor `name`.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.stored(name, Dtype::U8).to_vec()
    }

    /// The shape of the stored tensor `name`.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.info(name).shape.clone()
    }

    fn stored(&self, name: &str, dtype: Dtype) -> &[u8] {
        let info = self.info(name);
        assert_eq!(info.dtype, dtype, "{}: {name}", self.name);
        &self.data[info.data_offsets.0..info.data_offsets.1]
    }

    fn info(&self, name: &str) -> &TensorInfo {
        self.metadata.info(name).unwrap_or_else(|| panic!("{}: no tensor {name}", self.name))
    }
}

/// Relative error of `actual`: the Euclidean norm of the difference, over that of `expected`.
pub fn relative_error(actual: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(actual.len(), expected.len(), "number of elements");
    let square = |sum: f64, x: f64| sum + x * x;
    let difference =
        actual.iter().zip(expected).map(|(&a, &e)| f64::from(a) - f64::from(e)).fold(0.0, square);
    let size = expected.iter().map(|&e| f64::from(e)).fold(0.0, square);
    if difference == 0.0 { 0.0 } else { (difference / size).sqrt() }
}

/// Checks that `actual` has the shape of `expected` and a relative error of at most `tolerance`.
#[track_caller]
pub fn assert_close<const D: usize>(what: &str, actual: Tensor<D>, expected: Tensor<D>, tolerance: f64) {
    assert_eq!(actual.dims(), expected.dims(), "{what}: shape");
    let device = actual.device();
    let actual: Vec<f32> = actual.into_data().try_into_vec_as().expect("floats");
    let expected: Vec<f32> = expected.into_data().try_into_vec_as().expect("floats");
    let error = relative_error(&actual, &expected);
    let worst = actual.iter().zip(&expected).map(|(a, e)| (a - e).abs()).fold(0.0, f32::max);
    println!(
        "{what} on {device:?}: relative error {error:.2e}, {:.0}% of {tolerance:.0e}; largest difference {worst:.2e}",
        100.0 * error / tolerance
    );
    // Written so that a NaN fails.
    assert!(error <= tolerance, "{what} on {device:?}: relative error {error:.2e} > {tolerance:.0e}");
}
