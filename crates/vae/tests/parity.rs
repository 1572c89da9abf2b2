//! The whole network against the reference's numbers.
//!
//! Tolerance: measured relative errors are below 1e-6 on both backends; the allowance is ten times that, for other
//! processors sum in other orders.

use burn::Tensor;
use burn::tensor::Device;
use gligen_components::Autoencoder;
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_vae::AutoencoderKl;

const TOLERANCE: f64 = 1e-5;

/// A small model's folder, and the file of its numbers. The second one is a pickle with old names, and its config
/// does not know `scaling_factor` yet.
const MODELS: [(&str, &str); 2] = [("models/text-box", "vae"), ("models/text-box-linear", "vae_linear")];

fn load(model: &str, device: &Device) -> AutoencoderKl {
    AutoencoderKl::load(&fixtures().join(model).join("vae"), device)
        .unwrap_or_else(|e| panic!("{model}: {e}"))
}

#[test]
fn encodes_as_the_reference() {
    for device in devices() {
        for (model, numbers) in MODELS {
            let fixture = Fixture::open(numbers);
            let posterior =
                load(model, &device).encode(fixture.tensor("picture", &device)).expect("a whole picture");
            let what = |part: &str| format!("{numbers}: {part}");
            assert_close(&what("mean"), posterior.mode(), fixture.tensor("mean", &device), TOLERANCE);
            assert_close(&what("std"), posterior.std.clone(), fixture.tensor("std", &device), TOLERANCE);

            let noise = fixture.tensor::<4>("mean", &device).ones_like();
            let sum = fixture.tensor::<4>("mean", &device) + fixture.tensor("std", &device);
            assert_close(&what("sample"), posterior.sample(noise), sum, TOLERANCE);
        }
    }
}

#[test]
fn decodes_as_the_reference() {
    let trained = ("tiny-gligen", "tiny_gligen"); // in half precision, widened while loading
    for device in devices() {
        for (model, numbers) in MODELS.into_iter().chain([trained]) {
            let fixture = Fixture::open(numbers);
            let decoded = load(model, &device).decode(fixture.tensor("latents", &device)).expect("latents");
            assert_close(
                &format!("{numbers}: decoded"),
                decoded,
                fixture.tensor("decoded", &device),
                TOLERANCE,
            );
        }
    }
}

#[test]
fn says_what_its_latents_are() {
    let device = devices().remove(0);
    let expected = [
        ("models/text-box", 0.18215, 8),
        ("models/text-box-linear", 0.18215, 8),
        ("tiny-gligen", 0.41604, 4),
    ];
    for (model, scaling_factor, downscale) in expected {
        let vae = load(model, &device);
        assert_eq!((vae.scaling_factor(), vae.downscale()), (scaling_factor, downscale), "{model}");
    }
}

#[test]
fn pictures_of_a_batch_do_not_see_each_other() {
    let device = devices().remove(0);
    let vae = load("models/text-box", &device);
    let first = Fixture::open("vae").tensor::<4>("latents", &device);
    let second = first.clone() * -0.5 + 0.25;
    let both = vae.decode(Tensor::cat(vec![first.clone(), second.clone()], 0)).expect("latents");
    for (i, alone) in [first, second].into_iter().enumerate() {
        let alone = vae.decode(alone).expect("latents");
        // The order of the sums may depend on the size of the batch, hence not bit by bit.
        assert_close("one of two", both.clone().narrow(0, i, 1), alone, 1e-6);
    }
}
