//! The flags for where to compute and in how much memory, and the device that they name.

use std::str::FromStr;

use burn::tensor::Device;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gligen_pipeline::{LoadOptions, Memory, Tiling};

use crate::failure::Failure;

/// The flags that say where to compute, and in how much memory.
#[derive(Debug, clap::Args)]
pub(crate) struct ComputingArgs {
    /// Where to compute; `gligen devices` lists what there is
    #[arg(
        long,
        value_name = "NAME",
        env = "GLIGEN_DEVICE",
        hide_env_values = true,
        help_heading = "Computing"
    )]
    device: Option<String>,
    /// CPU threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = "Computing")]
    threads: Option<u64>,
    /// What weights may take on the CPU: `balanced` the size of their files, `small` that of the largest, `fast` that of
    /// single precision; pictures are the same
    #[arg(long, value_name = "HOW", default_value_t, value_parser = one_of::<Memory>(Memory::ALL.map(Memory::name)), help_heading = "Computing")]
    memory: Memory,
    /// Whether the autoencoder decodes tile by tile, so that its memory grows less with the picture: `auto` above
    /// 768×768 pixels
    #[arg(long, value_name = "WHEN", default_value_t, value_parser = one_of::<Tiling>(Tiling::ALL.map(Tiling::name)), help_heading = "Computing")]
    vae_tiling: Tiling,
}

/// Reads one of the `names`, which help lists.
fn one_of<T>(names: [&'static str; 3]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

impl ComputingArgs {
    /// How a model is loaded.
    pub(crate) fn options(&self) -> LoadOptions {
        let mut options = LoadOptions::default();
        options.memory = self.memory;
        options.vae_tiling = self.vae_tiling;
        options
    }

    /// The name of the device to compute on.
    pub(crate) fn device_name(&self) -> &str {
        let first = || gligen_kernels::device::built_in().first().copied().unwrap_or("flex");
        self.device.as_deref().unwrap_or_else(first)
    }

    /// The device to compute on, with as many threads as were asked for where it is a CPU.
    pub(crate) fn device(&self) -> Result<Device, Failure> {
        if let Some(threads) = self.threads {
            // Only a pool that exists already can refuse, and nothing has been computed yet.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global();
        }
        Ok(gligen_kernels::device::parse(self.device_name())?)
    }
}
