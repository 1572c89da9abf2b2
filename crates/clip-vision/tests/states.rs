//! States of the reference: layer by layer, and from pictures to states with folders as they are published.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use gligen_clip_vision::{ClipImageEncoder, ClipVisionConfig, ClipVisionModel, Picture, Preprocessor};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_weights::Weights;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Sums differ in their order; the largest error measured is 3e-7.
const TOLERANCE: f64 = 1.5e-6;

fn part(name: &str) -> PathBuf {
    fixtures().join("models/text-image").join(name)
}

fn load(device: &Device) -> ClipImageEncoder {
    ClipImageEncoder::load(part("image_encoder"), part("image_project"), part("processor"), device).unwrap()
}

fn pictures(fixture: &Fixture) -> Vec<Picture> {
    let names = fixture.names().into_iter().filter(|name| name.starts_with("picture_"));
    let picture = |name: String| {
        let shape = fixture.shape(&name);
        Picture::new(shape[1], shape[0], fixture.bytes(&name)).unwrap()
    };
    names.map(picture).collect()
}

#[test]
fn layers() {
    let fixture = Fixture::open("clip_vision");
    for device in devices() {
        let encoder = load(&device);
        let model = encoder.model();
        let pixel_values = || fixture.tensor::<4>("pixel_values", &device);
        for depth in 0..=model.vision_model().depth() {
            let states = model.vision_model().hidden_states(pixel_values(), depth);
            let name = format!("hidden_states_{depth}");
            assert_close(&name, states, fixture.tensor(&name, &device), TOLERANCE);
        }
        let pooled = model.vision_model().pooled(pixel_values());
        assert_close("pooled", pooled, fixture.tensor("pooled", &device), TOLERANCE);
        let embeds = model.image_embeds(pixel_values());
        assert_close("image_embeds", embeds, fixture.tensor("image_embeds", &device), TOLERANCE);
    }
}

#[test]
fn from_pictures() {
    let fixture = Fixture::open("clip_vision");
    for device in devices() {
        let states = load(&device).encode(&pictures(&fixture)).unwrap();
        assert_close("states", states, fixture.tensor("states", &device), TOLERANCE);
    }
}

/// A picture has the same state in any company.
#[test]
fn pictures_do_not_meet() {
    let pictures = pictures(&Fixture::open("clip_vision"));
    for device in devices() {
        let encoder = load(&device);
        let alone = encoder.encode(&pictures[1..2]).unwrap();
        let among = encoder.encode(&pictures).unwrap();
        assert_close("state", among.narrow(0, 1, 1), alone, 1e-6);
    }
}

#[test]
fn no_pictures_have_no_states() {
    for device in devices() {
        assert_eq!(load(&device).encode(&[]).unwrap().dims(), [0, 32]);
    }
}

/// A state without a direction stays zero, where the reference divides by its length.
#[test]
fn zeros_stay_zeros() {
    let pictures = pictures(&Fixture::open("clip_vision"));
    let changed = ChangedWeights::new(|tensors| {
        tensors.get_mut("visual_projection.weight").unwrap().2.fill(0);
    });
    for device in devices() {
        let states = changed.load(&device).unwrap().encode(&pictures).unwrap();
        let states: Vec<f32> = states.into_data().try_into_vec_as().unwrap();
        assert_eq!(states, [0.0; 3 * 32]);
    }
}

/// Keys with and without their prefix, or with one too many, and those of a whole CLIP beside them.
#[test]
fn nestings_of_keys() {
    let fixture = Fixture::open("clip_vision");
    let device = &devices()[0];
    let pictures = pictures(&fixture);
    for prefix in ["", "vision_model.", "vision_model.vision_model."] {
        let changed = ChangedWeights::new(|tensors| {
            let renamed = |name: String| match name.strip_prefix("vision_model.") {
                Some(name) => format!("{prefix}{name}"),
                None => name,
            };
            *tensors =
                std::mem::take(tensors).into_iter().map(|(name, tensor)| (renamed(name), tensor)).collect();
            let of_another = tensors["visual_projection.weight"].clone();
            for name in
                ["text_model.encoder.layers.0.mlp.fc1.weight", "text_projection.weight", "logit_scale"]
            {
                tensors.insert(name.into(), of_another.clone());
            }
            let places = (Dtype::I64, vec![1, 17], vec![0; 8 * 17]);
            tensors.insert(format!("{prefix}embeddings.position_ids"), places);
        });
        let states = changed.load(device).unwrap().encode(&pictures).unwrap();
        assert_close(&format!("keys with `{prefix}`"), states, fixture.tensor("states", device), TOLERANCE);
    }

    let changed = ChangedWeights::new(|tensors| {
        tensors.insert("embeddings.register".into(), tensors["visual_projection.weight"].clone());
    });
    let error = changed.load(device).unwrap_err().to_string();
    assert!(error.contains("1 unused"), "{error}");
}

/// The paths of all parameters are the checkpoint's keys; for ViT-L/14, 392 of them.
#[test]
fn keys() {
    let text = std::fs::read_to_string(part("image_encoder").join("config.json")).unwrap();
    let config = ClipVisionConfig::parse_image_encoder(&text).unwrap();
    let model = ClipVisionModel::new(&config, &devices()[0]);
    let lines: Vec<String> = gligen_weights::parameters(&model)
        .into_iter()
        .map(|(path, shape)| format!("{path} {shape:?}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));

    let config = ClipVisionConfig::parse_image_encoder(
        r#"{"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
            "patch_size": 14, "projection_dim": 768}"#,
    );
    let large = ClipVisionModel::new(&config.unwrap(), &devices()[0]);
    let shapes = gligen_weights::parameters(&large);
    assert_eq!(shapes.len(), 392);
    let numbers: usize = shapes.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(numbers, 303_966_208);
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// The image encoder's weights with a change.
struct ChangedWeights {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl ChangedWeights {
    fn new(change: impl FnOnce(&mut Tensors)) -> Self {
        let bytes = std::fs::read(part("image_encoder/model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |view: TensorView| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        let mut tensors = file.iter().map(|(name, view)| (name.to_owned(), tensor(view))).collect();
        change(&mut tensors);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        Self { path, _folder: folder }
    }

    fn load(&self, device: &Device) -> Result<ClipImageEncoder, gligen_clip_vision::Error> {
        let config = |name: &str| std::fs::read_to_string(part(name).join("config.json")).unwrap();
        ClipImageEncoder::from_parts(
            &config("image_encoder"),
            &Weights::open(&self.path)?,
            &config("image_project"),
            &Weights::find(&part("image_project"), &["diffusion_pytorch_model"])?,
            Preprocessor::load(part("processor"))?,
            device,
        )
    }
}
