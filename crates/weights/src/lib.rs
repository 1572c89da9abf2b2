//! The one door for weights: opens published checkpoints, executing nothing, and fills Burn modules with them.
//!
//! ```text
//! safetensors ─ header ──────────┐
//! pickle (zip, legacy) ─ parsed, ├─▶ Weights: key → type, shape, place in a file ─ KeyMap ─▶ module's parameters
//!                 never executed │      nothing is read yet                    one tensor read and widened at a time,
//! *.index.json ─ several of them ┘                                             or used where it lies
//! ```
//!
//! The networks of this project name and lay out their parameters as torch does, so a key of the file is the path of
//! the parameter in the module, joined by dots; what older files call differently is a table, a [`KeyMap`]. Loading is
//! strict: whatever is missing, left over, of another shape or not finite comes back in one [`LoadReport`].
//!
//! What configs ask for and is not computed is refused by the name of its key. [`check_rest`] refuses what no network of
//! the kind has; [`ConfigKeys`] reads transformers' configs, whose many other keys are passed over, and refuses what
//! is not computed of those that it is asked for.
//!
//! ```
//! use burn::Tensor;
//! use burn::module::{Module, Param};
//! use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights};
//!
//! #[derive(Module, Debug)]
//! struct Scale {
//!     weight: Param<Tensor<1>>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.safetensors");
//! let mut writer = SafetensorsWriter::create(&path, &[("weight", Dtype::F16, vec![2])], &Default::default())?;
//! writer.write(&[0x00, 0x3c, 0x00, 0xc0])?; // 1 and -2 as halves
//! writer.finish()?;
//!
//! let device = gligen_testkit::devices().remove(0);
//! let module = Scale { weight: Param::from_tensor(Tensor::zeros([2], &device)) };
//! let module = Weights::open(&path)?.load(module, &KeyMap::new())?;
//! assert_eq!(module.weight.val().into_data().try_into_vec_as::<f32>()?, [1.0, -2.0]);
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("checkpoints are little-endian and used in place: big-endian machines are not supported");

mod cast;
mod checkpoint;
mod config;
mod convert;
mod derived;
mod dtype;
mod entry;
mod error;
mod find;
mod floats;
mod header;
mod hint;
mod key_map;
mod layout;
mod loader;
mod lora;
mod mapping;
mod names;
mod needs;
mod parameters;
mod part;
mod pickle;
mod report;
mod rows;
mod shape;
mod shards;
mod storage;
mod temporary;
mod unique;
mod weights;
mod writer;
mod zip;

pub use checkpoint::{Checkpoint, Grounding, LeftOut};
pub use config::{ConfigError, ConfigKeys, check_rest, parse_config};
pub use convert::{Conversion, Converted, Progress, WrittenFile};
pub use dtype::Dtype;
pub use error::WeightsError;
pub use find::FILE_ENDINGS;
pub use key_map::KeyMap;
pub use layout::{Layout, Naming};
pub use lora::{Lora, LoraError};
pub use names::Names;
pub use needs::Need;
pub use parameters::parameters;
pub use part::Part;
pub use pickle::PickleError;
pub use report::{LoadReport, Misshapen, NonFinite, NotFloat};
pub use weights::{TensorInfo, Weights};
pub use writer::SafetensorsWriter;
