//! The device that the arguments name.

use burn::tensor::Device;

use crate::failure::Failure;

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
