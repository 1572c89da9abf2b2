//! A random checkpoint in the published layout, written tensor by tensor.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use gligen_clip_text::{ClipTextConfig, ClipTextTransformer};
use gligen_clip_vision::{ClipImageProjection, ClipVisionConfig, ClipVisionModel};
use gligen_components::BoxError;
use gligen_pipeline::sd1_configs;
use gligen_unet::UNetConfig;
use gligen_vae::AutoencoderKlConfig;
use gligen_weights::{Dtype, SafetensorsWriter, parameters};
use serde_json::Value;

use crate::random;
use crate::sizes::Size;

/// The kind of numbers to write.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Precision {
    F16,
    Bf16,
    F32,
}

/// What was written for one network.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) part: &'static str,
    pub(crate) tensors: usize,
    pub(crate) parameters: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} parameters in {} tensors", self.part, self.parameters, self.tensors)
    }
}

/// Writes a model of `size` into the folder `out`, which is made if it is not there.
pub(crate) fn write(size: Size, precision: Precision, out: &Path) -> Result<Vec<Written>, BoxError> {
    let device = Device::flex();
    let configs = size.configs();
    // The modules stay empty: all that is wanted of them is what their parameters are called, and their shapes.
    let unet = UNetConfig::from_json(&configs.unet.to_string())?.init(&device);
    let vae = AutoencoderKlConfig::from_json(&configs.vae.to_string())?.init(&device);
    let config = ClipTextConfig::parse(configs.text_encoder.to_string().as_bytes())?;
    let text_encoder = ClipTextTransformer::new(&config, &device);

    write_json(&out.join("model_index.json"), &size.model_index())?;
    write_json(&out.join("scheduler/scheduler_config.json"), &sd1_configs::scheduler())?;
    copy_tokenizer(size, &out.join("tokenizer"))?;
    write_json(&out.join("unet/config.json"), &configs.unet)?;
    write_json(&out.join("vae/config.json"), &configs.vae)?;
    write_json(&out.join("text_encoder/config.json"), &configs.text_encoder)?;
    let write = |part, tensors, name| write_weights(part, tensors, precision, &out.join(part).join(name));
    const OF_DIFFUSERS: &str = "diffusion_pytorch_model.safetensors";
    const OF_TRANSFORMERS: &str = "model.safetensors";
    let mut written = vec![
        write("unet", parameters(&unet), OF_DIFFUSERS)?,
        write("vae", parameters(&vae), OF_DIFFUSERS)?,
        write("text_encoder", parameters(&text_encoder), OF_TRANSFORMERS)?,
    ];
    if let Some(configs) = &configs.pictures {
        let config = ClipVisionConfig::parse_image_encoder(&configs.image_encoder.to_string())?;
        let image_encoder = ClipVisionModel::new(&config, &device);
        let image_project = ClipImageProjection::new(config.projection_dim, &device);
        write_json(&out.join("image_encoder/config.json"), &configs.image_encoder)?;
        write_json(&out.join("image_project/config.json"), &configs.image_project)?;
        write_json(&out.join("processor/preprocessor_config.json"), &configs.processor)?;
        written.push(write("image_encoder", parameters(&image_encoder), OF_TRANSFORMERS)?);
        written.push(write("image_project", parameters(&image_project), OF_DIFFUSERS)?);
    }
    Ok(written)
}

fn write_weights(
    part: &'static str,
    mut tensors: Vec<(String, Vec<usize>)>,
    precision: Precision,
    path: &Path,
) -> Result<Written, BoxError> {
    // The gates have rank 0 in a checkpoint; Burn has no such tensors.
    for (_, shape) in tensors.iter_mut().filter(|(key, _)| key.contains(".alpha_")) {
        shape.clear();
    }
    let dtype = precision.dtype();
    let header: Vec<_> = tensors.iter().map(|(key, shape)| (key.clone(), dtype, shape.clone())).collect();
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut writer = SafetensorsWriter::create(path, &header, &metadata)?;
    let mut count = 0;
    for (key, shape) in &tensors {
        let values = random::weights(key, shape);
        count += values.len();
        writer.write(&precision.bytes(&values))?;
    }
    writer.finish()?;
    Ok(Written { part, tensors: tensors.len(), parameters: count })
}

impl Precision {
    fn dtype(self) -> Dtype {
        match self {
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
            Self::F32 => Dtype::F32,
        }
    }

    /// `values` as the file has them.
    fn bytes(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::F16 => values.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect(),
            Self::Bf16 => values.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect(),
            Self::F32 => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

fn write_json(path: &Path, value: &Value) -> Result<(), BoxError> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn copy_tokenizer(size: Size, to: &Path) -> Result<(), BoxError> {
    let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures")).join(size.tokenizer());
    fs::create_dir_all(to).map_err(|e| format!("{}: {e}", to.display()))?;
    for entry in fs::read_dir(&from).map_err(|e| format!("{}: {e}", from.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, to.join(name)).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use burn::tensor::Device;
    use gligen_clip_text::{ClipTextConfig, ClipTextTransformer};
    use gligen_clip_vision::{ClipVisionConfig, ClipVisionModel};
    use gligen_pipeline::{Object, Pipeline, Request};
    use gligen_unet::UNetConfig;
    use gligen_vae::AutoencoderKlConfig;
    use gligen_weights::parameters;

    use super::{Precision, Size, write};

    #[test]
    fn a_tiny_model_loads_and_draws() {
        let folder = tempfile::tempdir().unwrap();
        write(Size::Tiny, Precision::F16, folder.path()).unwrap();
        let pipeline = Pipeline::load(folder.path(), &Device::flex()).unwrap();
        let request =
            Request::new("a cat").object(Object::phrase("a cat", [0.1, 0.2, 0.6, 0.9])).steps(2).seed(1);
        let output = pipeline.generate(&request, |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(output.images[0].dimensions(), (64, 64));
        // Were anything not finite on the way, the picture would be one colour.
        let pixels = output.images[0].as_raw();
        assert!(pixels.iter().any(|p| p != &pixels[0]), "{:?}", &pixels[..12]);
    }

    /// Source: the sizes of the published checkpoint.
    #[test]
    fn the_full_size_is_that_of_the_published_checkpoint() {
        let configs = Size::Sd14.configs();
        let device = Device::flex();
        let count = |tensors: Vec<(String, Vec<usize>)>| {
            (tensors.len(), tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>())
        };
        let unet = UNetConfig::from_json(&configs.unet.to_string()).unwrap().init(&device);
        assert_eq!(count(parameters(&unet)), (966, 1_068_623_204));
        let vae = AutoencoderKlConfig::from_json(&configs.vae.to_string()).unwrap().init(&device);
        assert_eq!(count(parameters(&vae)), (248, 83_653_863));
        let config = ClipTextConfig::parse(configs.text_encoder.to_string().as_bytes()).unwrap();
        let text_encoder = ClipTextTransformer::new(&config, &device);
        assert_eq!(count(parameters(&text_encoder)), (196, 123_060_480));
        let pictures = Size::Sd14TextImage.configs().pictures.unwrap();
        let config = ClipVisionConfig::parse_image_encoder(&pictures.image_encoder.to_string()).unwrap();
        let image_encoder = ClipVisionModel::new(&config, &device);
        assert_eq!(count(parameters(&image_encoder)), (392, 303_966_208));
    }
}
