//! States of the reference: layer by layer, and from pictures to states with folders as they are published.

use std::path::Path;

use burn::tensor::Device;
use gligen_clip_vision::{ClipImageEncoder, ClipVisionConfig, ClipVisionModel, Picture, Preprocessor};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_weights::Weights;
use safetensors::SafeTensors;

/// A layer's sums differ in their order, each by parts of 1e-7; layers add up.
const TOLERANCE: f64 = 1e-5;

fn part(name: &str) -> std::path::PathBuf {
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
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.safetensors");
        rewrite(&part("image_encoder/model.safetensors"), &path, |name, bytes| {
            if name == "visual_projection.weight" {
                bytes.fill(0);
            }
            name.into()
        });
        let states = from_weights(&path, &device).encode(&pictures(&Fixture::open("clip_vision"))).unwrap();
        let states: Vec<f32> = states.into_data().try_into_vec_as().unwrap();
        assert_eq!(states, [0.0; 3 * 32]);
    }
}

/// Keys with and without their prefix, and those of a whole CLIP.
#[test]
fn nestings_of_keys() {
    let fixture = Fixture::open("clip_vision");
    let device = &devices()[0];
    let nestings: [fn(&str) -> String; 4] = [
        |name| name.into(),
        |name| name.replace("vision_model.", ""),
        |name| name.replace("vision_model.", "vision_model.vision_model."),
        // Two tensors of the same shape as one of ours, under names that are none of ours.
        |name| name.replace("vision_model.post_layernorm", "text_model.final_layer_norm"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, nesting) in nestings.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.safetensors"));
        rewrite(&part("image_encoder/model.safetensors"), &path, |name, _| nesting(name));
        if index == 3 {
            let error = model(&path, device).unwrap_err().to_string();
            assert!(error.contains("2 missing") && !error.contains("unused"), "{error}");
        } else {
            let embeds = model(&path, device).unwrap().image_embeds(fixture.tensor("pixel_values", device));
            assert_close("image_embeds", embeds, fixture.tensor("image_embeds", device), TOLERANCE);
        }
    }
}
