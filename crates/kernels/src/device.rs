//! Choosing a device by its name at run time.

use burn::tensor::Device;

/// Why a device cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No backend has this name.
    #[error("unknown device `{0}`: expected one of {list}", list = NAMES.join(", "))]
    Unknown(String),
    /// What stands behind the colon is not a device number.
    #[error("device `{device}`: `{number}` is not a device number")]
    Number {
        /// The whole name.
        device: String,
        /// What stands behind the colon.
        number: String,
    },
    /// A CPU backend has one device and takes no number.
    #[error("device `{0}`: the CPU is one device and takes no number")]
    OneOnly(String),
    /// The backend was not compiled in.
    #[error("this program was built without the `{0}` backend: build it with `--features {0}`")]
    NotBuilt(String),
    /// The driver or the adapter refused.
    #[error("device `{device}` is not available: {reason}")]
    Unavailable {
        /// The whole name.
        device: String,
        /// What the driver said.
        reason: String,
    },
}

/// Names of all backends, built in or not.
pub const NAMES: [&str; 6] = ["flex", "ndarray", "cuda", "vulkan", "wgpu", "metal"];

/// Names of the backends that were built in, the best CPU backend first.
pub fn built_in() -> Vec<&'static str> {
    let built = [
        cfg!(feature = "flex"),
        cfg!(feature = "ndarray"),
        cfg!(feature = "cuda"),
        cfg!(feature = "vulkan"),
        cfg!(feature = "wgpu"),
        cfg!(feature = "metal"),
    ];
    NAMES.into_iter().zip(built).filter_map(|(name, built)| built.then_some(name)).collect()
}

/// The device named `name`: `flex` (the CPU), `ndarray`, `cuda`, `vulkan`, `wgpu` or `metal`; GPUs take a number,
/// as in `cuda:1`. The driver is asked here, so that an absent one is an error and not a panic later.
///
/// A GPU device may be opened once per process.
pub fn parse(name: &str) -> Result<Device, DeviceError> {
    let (backend, number) = match name.split_once(':') {
        None => (name, None),
        Some((backend, number)) => (backend, Some(number)),
    };
    if !NAMES.contains(&backend) {
        return Err(DeviceError::Unknown(name.into()));
    }
    #[cfg_attr(not(any(feature = "cuda", feature = "wgpu")), allow(unused_variables))]
    // only GPUs have numbers
    let number = match number {
        None => None,
        Some(_) if matches!(backend, "flex" | "ndarray") => return Err(DeviceError::OneOnly(name.into())),
        Some(text) => match text.parse::<u16>() {
            Ok(number) => Some(number),
            Err(_) => return Err(DeviceError::Number { device: name.into(), number: text.into() }),
        },
    };
    match backend {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)] // Burn deprecates ndarray; here it is a second opinion.
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "cuda")]
        "cuda" => burn::backend::CubeDevice::cuda(number.unwrap_or(0).into())
            .map(Device::from)
            .map_err(|e| DeviceError::Unavailable { device: name.into(), reason: e.to_string() }),
        #[cfg(feature = "vulkan")]
        "vulkan" => wgpu(name, burn::tensor::wgpu::WgpuBackend::Vulkan, number),
        #[cfg(feature = "metal")]
        "metal" => wgpu(name, burn::tensor::wgpu::WgpuBackend::Metal, number),
        #[cfg(feature = "wgpu")]
        "wgpu" => wgpu(name, burn::tensor::wgpu::WgpuBackend::Auto, number),
        _ => Err(DeviceError::NotBuilt(backend.into())),
    }
}

/// Whether it is the CPU backend with the fast paths. One with gradients is not.
pub(crate) fn is_flex(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return matches!(device.as_dispatch(), burn::backend::DispatchDevice::Flex(_));
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

#[cfg(feature = "wgpu")]
fn wgpu(
    name: &str,
    api: burn::tensor::wgpu::WgpuBackend,
    number: Option<u16>,
) -> Result<Device, DeviceError> {
    use burn::tensor::DeviceKind;
    let kind = number.map_or(DeviceKind::DefaultDevice, |n| DeviceKind::DiscreteGpu(n.into()));
    Device::wgpu_options()
        .graphics_api(api)
        .device_kind(kind)
        .init()
        .map_err(|e| DeviceError::Unavailable { device: name.into(), reason: e.to_string() })
}
