//! Random numbers: ours keep their promises, and torch's are torch's.

use gligen_schedulers::{NoiseSource, SeededNoise, TorchNoise};
use gligen_testkit::{Fixture, devices};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn draw(source: &mut dyn NoiseSource, shape: [usize; 4]) -> Vec<f32> {
    let device = devices().remove(0);
    source.normal(shape, &device).into_data().try_into_vec_as().unwrap()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn torch_numbers_equal_the_stored_ones_to_the_bit() {
    let fixture = Fixture::open("torch_random");
    let mut compared = 0;
    for seed in [0, 42, 1234, (1 << 32) + 42] {
        for count in [1, 5, 15, 16, 17, 31, 33, 100] {
            let name = format!("seed{seed}/n{count}");
            assert_eq!(bits(&TorchNoise::new(seed).randn(count)), bits(&fixture.floats(&name)), "{name}");
            compared += 1;
        }
        let mut noise = TorchNoise::new(seed);
        for name in ["latents0", "latents1"] {
            let name = format!("seed{seed}/{name}");
            assert_eq!(bits(&draw(&mut noise, [1, 4, 8, 8])), bits(&fixture.floats(&name)), "{name}");
            compared += 1;
        }
        let like = noise.normal_channels_last([2, 4, 3, 5], &devices()[0]);
        let like: Vec<f32> = like.into_data().try_into_vec_as().unwrap();
        let name = format!("seed{seed}/channels_last");
        assert_eq!(bits(&like), bits(&fixture.floats(&name)), "{name}");
        compared += 1;
    }
    // One stream: what a draw leaves over, the next one finds.
    let mut noise = TorchNoise::new(42);
    for (index, count) in [5, 16, 7, 33, 3, 64].into_iter().enumerate() {
        let name = format!("mixed/{index}");
        assert_eq!(bits(&noise.randn(count)), bits(&fixture.floats(&name)), "{name}");
        compared += 1;
    }
    assert_eq!(compared, fixture.names().len());
}

#[test]
fn torch_numbers_of_a_full_size_picture() {
    let numbers = draw(&mut TorchNoise::new(42), [1, 4, 64, 64]);
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "e97f3de04c7c6ba86354db4402b91d4402ede9c72aabed29a96dd7d635a798ba");
}

#[test]
fn torch_numbers_of_other_seeds() {
    let first = |seed, count| bits(&TorchNoise::new(seed).randn(count))[..4].to_vec();
    assert_eq!(first(0, 16384), [0xbf901b85, 0xbf93808a, 0xbe804bd6, 0xbede255d]);
    assert_eq!(TorchNoise::new(0).randn(16384)[16383], -1.078_208);
    assert_eq!(first(1234, 100), [0xbde4ccb4, 0xbefe410f, 0x3e26fccb, 0xbf61b64a]);
}

/// The first 16 bytes of ChaCha20's keystream under a key of zeros are known from elsewhere (RFC 8439, A.1, vector 1):
/// as words they must give our first two numbers.
#[test]
fn our_numbers_follow_their_description() {
    let words: [u64; 2] = [0x903d_f1a0_ade0_b876, 0x28bd_8653_e56a_5d40];
    let [a, b] = words.map(|word| (word >> 11) as f64 * 2f64.powi(-53));
    let radius = (-2.0 * (1.0 - a).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * b).sin_cos();
    let numbers = draw(&mut SeededNoise::new(vec![0]), [1, 1, 1, 2]);
    assert_eq!(numbers, [(radius * cos) as f32, (radius * sin) as f32]);
}

/// These must never change: a seed is a promise of a picture.
#[test]
fn our_numbers_stay_as_they_are() {
    let numbers = |seed| draw(&mut SeededNoise::new(vec![seed]), [1, 4, 8, 8]);
    let digest = |seed| {
        let bytes: Vec<u8> = numbers(seed).iter().flat_map(|number| number.to_le_bytes()).collect();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let seeds = [0, 42, u64::MAX];
    let lines: Vec<_> = seeds
        .iter()
        .map(|&seed| format!("{seed}: {:x?}… {}", &bits(&numbers(seed))[..4], digest(seed)))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn our_numbers_are_normal() {
    let numbers = draw(&mut SeededNoise::new(vec![5]), [1, 4, 128, 128]);
    let count = numbers.len() as f64;
    let moment = |power: i32| numbers.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count;
    // Four standard errors of each moment: √(1, 2, 15, 96) / 256.
    for (power, expected, error) in [(1, 0.0, 1.0), (2, 1.0, 1.42), (3, 0.0, 3.88), (4, 3.0, 9.8)] {
        let found = moment(power);
        assert!((found - expected).abs() < 4.0 * error / 256.0, "moment {power}: {found}");
    }
}

#[test]
fn all_devices_get_the_same_numbers() {
    let draws: Vec<_> = devices()
        .iter()
        .map(|device| SeededNoise::new(vec![1]).normal([1, 4, 8, 8], device).into_data())
        .collect();
    assert!(draws.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
#[should_panic(expected = "a draw for 3 images, but there are 2 seeds")]
fn rows_without_a_seed_are_a_mistake() {
    draw(&mut SeededNoise::new(vec![1, 2]), [3, 4, 8, 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Row k of a batch is what seed k gives alone, draw after draw, also beside shared draws.
    #[test]
    fn an_image_does_not_depend_on_its_batch(
        seeds in prop::collection::vec(any::<u64>(), 1..5), heights in prop::collection::vec(1usize..6, 1..4),
    ) {
        let mut batch = SeededNoise::new(seeds.clone());
        let mut alone: Vec<_> = seeds.iter().map(|&seed| SeededNoise::new(vec![seed])).collect();
        for height in heights {
            let together = draw(&mut batch, [seeds.len(), 1, height, 3]);
            let apart: Vec<f32> = alone.iter_mut().flat_map(|source| draw(source, [1, 1, height, 3])).collect();
            prop_assert_eq!(together, apart);
            let shared = draw(&mut batch, [1, 1, height, 3]);
            prop_assert_eq!(shared, draw(&mut alone[0], [1, 1, height, 3]));
        }
    }
}
