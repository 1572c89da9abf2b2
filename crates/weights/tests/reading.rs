//! Every kind of weight file gives the numbers that torch reads from it.

mod tiny;

use std::path::{Path, PathBuf};

use burn::Tensor;
use burn::module::{Module, Param};
use bytes::Bytes;
use gligen_testkit::{Fixture, fixtures};
use gligen_weights::{Dtype, KeyMap, Weights, parameters};
use tiny::{Tiny, keys, numbers, waiting};

fn folder() -> PathBuf {
    fixtures().join("weights")
}

#[track_caller]
fn assert_read(weights: &Weights) {
    assert_read_by(weights, &keys());
}

/// Widening is exact, so the numbers are equal to the bit.
#[track_caller]
fn assert_read_by(weights: &Weights, keys: &KeyMap) {
    let module = weights.load(Tiny::new(), keys).unwrap();
    let expected = Fixture::open("weights/expected");
    for (name, numbers) in module.numbers() {
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&numbers), bits(&expected.floats(name)), "{}: {name}", weights.path().display());
    }
}

#[test]
fn every_format() {
    for name in [
        "plain.safetensors",
        "sharded/diffusion_pytorch_model.safetensors.index.json",
        "sharded_bin/pytorch_model.bin.index.json",
        "pickle_zip.bin",
        "pickle_legacy.bin",
        "nested.ckpt",
    ] {
        assert_read(&Weights::open(&folder().join(name)).unwrap());
    }
    let opaque = Weights::open(&folder().join("opaque.ckpt")).unwrap();
    assert_read_by(&opaque, &keys().only_prefix("model."));
}

#[test]
fn what_a_pickle_asks_for_is_not_executed() {
    let trace = Path::new("/tmp/gligen-pickle-was-executed");
    assert!(!trace.exists(), "left by somebody else: {}", trace.display());
    assert_read(&Weights::open(&folder().join("malicious.bin")).unwrap());
    let nothing_else = Weights::open(&folder().join("malicious_legacy.bin")).unwrap();
    assert_eq!(nothing_else.tensors().count(), 0);
    assert!(!trace.exists());
}

#[test]
fn compiled_in() {
    let bytes = include_bytes!("../../../fixtures/weights/plain.safetensors");
    assert_read(&Weights::from_bytes("plain", bytes.as_slice()).unwrap());
}

/// Numbers at an odd address cannot be used in place.
#[test]
fn unaligned() {
    let bytes = std::fs::read(folder().join("plain.safetensors")).unwrap();
    for shift in 0..4 {
        let shifted = [&vec![0; shift], bytes.as_slice()].concat();
        assert_read(&Weights::from_bytes("shifted", Bytes::from(shifted).slice(shift..)).unwrap());
    }
}

#[test]
fn types_and_shapes() {
    let weights = Weights::open(&folder().join("plain.safetensors")).unwrap();
    let listed: Vec<_> =
        weights.tensors().map(|(key, info)| (key, info.dtype, info.shape.as_slice())).collect();
    assert_eq!(
        listed,
        [
            ("brain", Dtype::BF16, [2, 3].as_slice()),
            ("counter", Dtype::I64, &[5]),
            ("first_rows", Dtype::F32, &[2, 4]),
            ("half", Dtype::F16, &[3, 4]),
            ("last_rows", Dtype::F32, &[4, 4]),
            ("scalar", Dtype::F32, &[]),
            ("single", Dtype::F32, &[2, 3, 2]),
            ("transposed", Dtype::F32, &[4, 3]),
        ]
    );
    let pickled = Weights::open(&folder().join("pickle_zip.bin")).unwrap();
    assert!(pickled.tensors().eq(weights.tensors()));
}

#[derive(Module, Debug)]
enum Choice {
    First(Inner),
}

#[derive(Module, Debug)]
struct Inner {
    weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct Outer {
    choice: Choice,
    numbered: (Inner, Vec<Inner>),
    none: Option<Inner>,
}

#[test]
fn paths_are_torchs() {
    let inner = || Inner { weight: waiting([1, 2]) };
    let module =
        Outer { choice: Choice::First(inner()), numbered: (inner(), vec![inner(), inner()]), none: None };
    let paths: Vec<_> = parameters(&module).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["choice.weight", "numbered.0.weight", "numbered.1.0.weight", "numbered.1.1.weight"]);
}

/// The weights of a 1×1 convolution are those of a linear map, with two axes more.
#[test]
fn ones_at_the_end_of_a_shape_do_not_count() {
    #[derive(Module, Debug)]
    struct Pointwise {
        single: Param<Tensor<5>>,
    }
    let map = KeyMap::new().only_prefix("sin").rename_segment("gle", "single");
    let weights = Weights::open(&folder().join("plain.safetensors")).unwrap();
    let module = weights.load(Pointwise { single: waiting([2, 3, 2, 1, 1]) }, &map).unwrap();
    assert_eq!(module.single.val().dims(), [2, 3, 2, 1, 1]);
    assert_eq!(numbers(&module.single), Fixture::open("weights/expected").floats("single"));
}
