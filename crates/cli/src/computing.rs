//! The model and the device that the arguments name.

use std::path::Path;

use burn::tensor::Device;
use gligen_pipeline::ModelDir;

use crate::failure::Failure;

/// What users call the built-in model.
const BUILT_IN: &str = "tiny-gligen";

/// The name of the device to compute on: `name`, or the default.
pub(crate) fn device_name(name: Option<&str>) -> &str {
    name.unwrap_or_else(|| gligen_kernels::device::built_in().first().copied().unwrap_or("flex"))
}

/// The device called `name`, or the default, with `threads` threads where it is a CPU.
pub(crate) fn device(name: Option<&str>, threads: Option<u64>) -> Result<Device, Failure> {
    if let Some(threads) = threads {
        // Only a pool that exists already can refuse, and nothing has been computed yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global();
    }
    Ok(gligen_kernels::device::parse(device_name(name))?)
}

/// The model in the folder `path`, or the built-in one.
pub(crate) fn model(path: Option<&Path>) -> Result<ModelDir, Failure> {
    Ok(path.map_or(Ok(ModelDir::BuiltIn), ModelDir::open)?)
}

/// What users call `model`.
pub(crate) fn model_name(model: &ModelDir) -> String {
    match model {
        ModelDir::BuiltIn => BUILT_IN.into(),
        ModelDir::Folder(path) => {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
        }
    }
}
