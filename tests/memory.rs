//! How much memory a model may take changes no bit of its pictures, however often it is used.

use std::ops::ControlFlow;

use burn::tensor::Device;
use gligen_pipeline::{LoadOptions, LoraFile, Memory, ModelDir, Request};
use gligen_testkit::{devices, fixtures};
use gligen_tests::Case;

/// Latents, and the bytes of each picture.
type Drawn = (Vec<f32>, Vec<Vec<u8>>);

/// Draws with a model of f16 twice, so that networks which have given their memory back are used again.
fn draw(memory: Memory, lora: bool, device: &Device, request: &Request) -> [Drawn; 2] {
    let mut options = LoadOptions::default();
    options.memory = memory;
    if lora {
        options.loras = vec![LoraFile { path: fixtures().join("adapters/kohya.safetensors"), scale: 0.7 }];
    }
    let folder = if lora { "models/text-box" } else { "tiny-gligen" };
    let pipeline = ModelDir::open(&fixtures().join(folder)).unwrap().load(options, device).unwrap();
    [1, 2].map(|_| {
        let output = pipeline.generate(request, |_| ControlFlow::Continue(())).unwrap();
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
    let draw = |memory| draw(memory, false, &devices()[0], &request());
    let fast = draw(Memory::Fast);
    assert!(fast[0] == fast[1]);
    for memory in [Memory::Balanced, Memory::Small] {
        assert!(draw(memory) == fast, "{memory}");
    }
}

/// There all weights are widened while they are loaded, also again after a rest.
#[test]
fn so_on_a_device_that_reads_no_halves() {
    let draw = |memory| draw(memory, false, &devices()[1], &request().size(64, 64).steps(1));
    assert!(draw(Memory::Small) == draw(Memory::Fast));
}

#[test]
fn with_what_is_added_to_the_weights() {
    let draw = |memory| draw(memory, true, &devices()[0], &request());
    assert!(draw(Memory::Small) == draw(Memory::Fast));
}

#[test]
fn choices_have_names() {
    for memory in Memory::ALL {
        assert_eq!(memory.name().parse(), Ok(memory));
    }
    assert_eq!("large".parse::<Memory>(), Err("expected `fast`, `balanced` or `small`".into()));
}
