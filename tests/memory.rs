//! How much memory a model may take changes no bit of its pictures, however often it is used.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_pipeline::{LoadOptions, LoraFile, Memory, ModelDir, Request};
use gligen_testkit::{devices, fixtures};
use gligen_tests::Case;

/// Latents, and the bytes of each picture.
type Drawn = (Vec<f32>, Vec<Vec<u8>>);

/// Draws with a model of f16 twice, so that networks which have given their memory back are used again.
fn draw(memory: Memory, lora: bool, device: &Device) -> [Drawn; 2] {
    let mut options = LoadOptions::default();
    options.memory = memory;
    if lora {
        options.loras = vec![LoraFile { path: fixtures().join("adapters/kohya.safetensors"), scale: 0.7 }];
    }
    let folder = if lora { "models/text-box" } else { "tiny-gligen" };
    let pipeline = ModelDir::open(&fixtures().join(folder)).unwrap().load(options, device).unwrap();
    [1, 2].map(|_| {
        let output = pipeline.generate(&request(), |_| ControlFlow::Continue(())).unwrap();
        let images = output.images.into_iter().map(|image| image.into_raw()).collect();
        (output.latents.into_data().try_into_vec_as().unwrap(), images)
    })
}

fn request() -> Request {
    let cases = Case::all();
    cases.iter().find(|case| case.name == "tiny-gligen-1").unwrap().request().steps(2)
}

#[test]
fn pictures_are_the_same_to_the_bit() {
    for device in devices() {
        let fast = draw(Memory::Fast, false, &device);
        assert!(fast[0] == fast[1], "{device:?}");
        for memory in [Memory::Balanced, Memory::Small] {
            assert!(draw(memory, false, &device) == fast, "{memory} on {device:?}");
        }
    }
}

#[test]
fn with_what_is_added_to_the_weights() {
    let device = &devices()[0];
    assert!(draw(Memory::Small, true, device) == draw(Memory::Fast, true, device));
}

#[test]
fn choices_have_names() {
    for memory in Memory::ALL {
        assert_eq!(memory.name().parse(), Ok(memory));
    }
    assert_eq!("large".parse::<Memory>(), Err("expected `fast`, `balanced` or `small`".into()));
}
