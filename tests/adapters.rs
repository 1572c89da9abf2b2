//! A model with LoRA files and textual inversions, from request to latents, against the reference's.
//!
//! Latents may differ by 1e-4 relative, as in whole runs without them.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_pipeline::{Compat, EmbeddingFile, LoadOptions, LoraFile, ModelDir, Object, Output, Request};
use gligen_schedulers::SchedulerKind;
use gligen_testkit::{Fixture, assert_close, devices, fixtures};

/// As `fixtures/make/adapters.py` loads them.
fn options() -> LoadOptions {
    let path = |name: &str| fixtures().join("adapters").join(name);
    let lora = |name: &str| LoraFile { path: path(name), scale: 0.7 };
    let embedding = |name: &str| EmbeddingFile { path: path(name), token: None };
    let mut options = LoadOptions::default();
    options.loras = ["kohya.safetensors", "diffusers.safetensors"].map(lora).into();
    options.embeddings = ["blob.safetensors", "many.bin", "a1111-style.pt"].map(embedding).into();
    options
}

fn draw(options: LoadOptions, device: &Device) -> Output {
    let model = ModelDir::open(&fixtures().join("models/text-box")).unwrap();
    let pipeline = model.load(options, device).unwrap();
    let mut request = Request::new("<blob> and <many> on a table")
        .object(Object::phrase("<many>", [0.1, 0.2, 0.6, 0.9]))
        .steps(3)
        .size(128, 128)
        .seed(11);
    request.guidance_scale = Some(4.0);
    request.scheduled_sampling_beta = Some(1.0);
    request.scheduler = Some("ddim".parse::<SchedulerKind>().unwrap());
    request.compat = Compat::Diffusers;
    pipeline.generate(&request, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn two_lora_files_and_three_words() {
    for device in devices() {
        let expected = Fixture::open("adapters/expected").tensor("run/latents", &device);
        assert_close("latents", draw(options(), &device).latents, expected, 1e-4);
    }
}

/// Each of them counts: the comparison above would fail without it.
#[test]
fn each_of_them_changes_the_picture() {
    let expected = Fixture::open("adapters/expected").floats("run/latents");
    for left_out in 0..4 {
        let mut options = options();
        if left_out < 2 {
            options.loras.remove(left_out);
        } else {
            options.embeddings.remove(left_out - 2);
        }
        let found: Vec<f32> = draw(options, &devices()[0]).latents.into_data().try_into_vec_as().unwrap();
        let error = gligen_testkit::relative_error(&found, &expected);
        assert!(error > 1e-3, "without {left_out}: {error}");
    }
}
