//! Decoding tile by tile against decoding the whole.

use burn::Tensor;
use burn::tensor::Device;
use gligen_components::Autoencoder;
use gligen_testkit::{assert_close, devices, fixtures};
use gligen_vae::{AutoencoderKl, Tiling};

fn vae(tiling: Tiling, device: &Device) -> AutoencoderKl {
    AutoencoderKl::load(&fixtures().join("tiny-gligen/vae"), device).unwrap().with_tiling(tiling)
}

/// Latents of a picture of slow and quick waves, with an edge through the middle.
fn latents(height: usize, width: usize, device: &Device) -> Tensor<4> {
    let pixel = |at: usize| {
        let (channel, y, x) = (at / (16 * height * width), at / (4 * width) % (4 * height), at % (4 * width));
        let wave = ((x as f32 / 37.0).sin() + (y as f32 / 23.0 + channel as f32).cos()) / 3.0;
        if x > 2 * width { wave + 0.3 } else { wave }
    };
    let picture: Vec<f32> = (0..3 * 16 * height * width).map(pixel).collect();
    let picture = Tensor::<1>::from_floats(picture.as_slice(), device).reshape([1, 3, 4 * height, 4 * width]);
    vae(Tiling::Off, device).encode(picture).unwrap().mode()
}

#[test]
fn small_pictures_are_decoded_as_a_whole() {
    let device = &devices()[0];
    let latents = latents(64, 40, device);
    let [off, on] =
        [Tiling::Off, Tiling::On].map(|tiling| vae(tiling, device).decode(latents.clone()).unwrap());
    assert_eq!(off.into_data(), on.into_data());
}

/// The largest difference, at the edge in the picture, is 0.034 of the range of 2: four of 255, for the group norms of
/// the large levels normalise by a sample. A seam would be a step in the difference where tiles meet.
#[test]
fn large_pictures_differ_a_little_and_nowhere_in_a_step() {
    let device = &devices()[0];
    let latents = latents(100, 130, device);
    let [whole, tiled] =
        [Tiling::Off, Tiling::Auto].map(|tiling| vae(tiling, device).decode(latents.clone()).unwrap());
    assert_eq!(whole.dims(), tiled.dims());
    let difference = tiled - whole;
    let most = difference.clone().abs().max().into_scalar::<f32>();
    let step = |axis: usize| {
        let length = difference.dims()[axis];
        let next =
            difference.clone().narrow(axis, 1, length - 1) - difference.clone().narrow(axis, 0, length - 1);
        next.abs().max().into_scalar::<f32>()
    };
    let mean = difference.clone().abs().mean().into_scalar::<f32>();
    println!("difference {most} at most, {mean} on average; steps of it {} and {}", step(2), step(3));
    assert!(most < 0.06 && mean < 0.01, "{most} {mean}");
    assert!(step(2) < 0.04 && step(3) < 0.04, "{} {}", step(2), step(3));
}

/// Two tiles by the plain paths are those by the fast ones.
#[test]
fn tiles_are_the_same_on_every_device() {
    let [flex, ndarray] = devices().try_into().unwrap();
    let latents = latents(12, 80, &flex);
    let expected = vae(Tiling::On, &flex).decode(latents.clone()).unwrap();
    let whole = vae(Tiling::Off, &flex).decode(latents.clone()).unwrap();
    assert_ne!(expected.to_data(), whole.into_data(), "it is cut");
    let onto = |x: Tensor<4>, device: &Device| Tensor::from_data(x.into_data(), device);
    let decoded = vae(Tiling::On, &ndarray).decode(onto(latents, &ndarray)).unwrap();
    assert_close("decoded", decoded, onto(expected, &ndarray), 1e-5);
}
