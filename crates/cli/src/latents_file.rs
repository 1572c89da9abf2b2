//! Latents in a safetensors file: tensor `latents`, f32, `[pictures, channels, height, width]`.

use std::io::Write;
use std::path::Path;

use burn::Tensor;
use burn::tensor::{DType, Device, TensorData};
use gligen_pipeline::AtomicFile;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;

const NAME: &str = "latents";

/// Reads the latents in the file `path`.
pub(crate) fn read(path: &Path, device: &Device) -> Result<Tensor<4>, Failure> {
    let wrong = |reason: String| Failure::Latents { path: path.into(), reason };
    let bytes = std::fs::read(path).map_err(|source| Failure::file(path, source))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(format!("not a safetensors file: {e}")))?;
    let view = file.tensor(NAME).map_err(|_| {
        wrong(format!(
            "expected a tensor `{NAME}`, found {}",
            file.names().into_iter().collect::<Vec<_>>().join(", ")
        ))
    })?;
    if view.dtype() != Dtype::F32 || view.shape().len() != 4 {
        let (dtype, shape) = (view.dtype(), view.shape());
        return Err(wrong(format!(
            "tensor `{NAME}`: expected F32 and [pictures, channels, height, width], found {dtype:?} and {shape:?}"
        )));
    }
    let numbers: Vec<f32> =
        view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
        return Err(wrong(format!("tensor `{NAME}`: number {index} is {}", numbers[index])));
    }
    let data = TensorData::new(numbers, view.shape().to_vec());
    Ok(Tensor::from_data(data, (device, DType::F32)))
}

/// Writes `latents` into the file `path`.
pub(crate) fn write(path: &Path, latents: Tensor<4>) -> Result<(), Failure> {
    let wrong = |reason: String| Failure::Latents { path: path.into(), reason };
    let shape = latents.dims().to_vec();
    let numbers: Vec<f32> = latents.into_data().try_into_vec_as().map_err(|e| wrong(format!("{e:?}")))?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape, &bytes).map_err(|e| wrong(e.to_string()))?;
    let packed = safetensors::serialize([(NAME, view)], None).map_err(|e| wrong(e.to_string()))?;
    let mut file = AtomicFile::create(path)?;
    file.write_all(&packed).map_err(|source| Failure::file(path, source))?;
    Ok(file.commit()?)
}
