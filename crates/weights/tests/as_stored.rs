//! Modules that get f16 and bf16 as they are stored.

mod tiny;

use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::DType;
use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights, WeightsError};
use half::{bf16, f16};
use tiny::waiting;

#[derive(Module, Debug)]
struct Layer {
    half: Param<Tensor<2>>,
    brain: Param<Tensor<4>>,
    single: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Layer {
    fn new() -> Self {
        Self {
            half: waiting([1, 3]),
            brain: waiting([3, 1, 1, 1]),
            single: waiting([1, 3]),
            bias: waiting([3]),
        }
    }
}

const NUMBERS: [f32; 3] = [1.5, -0.25, 3.0];

/// A file in which the numbers begin at an odd address if `odd`, one of them `last`.
fn write(path: &Path, odd: bool, last: f32) {
    let numbers = [NUMBERS[0], NUMBERS[1], last];
    let tensors = [
        ("first", Dtype::U8, vec![if odd { 1 } else { 2 }]),
        ("half", Dtype::F16, vec![1, 3]),
        ("brain", Dtype::BF16, vec![3, 1, 1, 1]),
        ("single", Dtype::F32, vec![1, 3]),
        ("bias", Dtype::F16, vec![3]),
    ];
    let mut writer = SafetensorsWriter::create(path, &tensors, &Default::default()).unwrap();
    writer.write(if odd { &[0] } else { &[0; 2] }).unwrap();
    let halves = numbers.map(|x| f16::from_f32(x).to_le_bytes());
    writer.write(halves.as_flattened()).unwrap();
    writer.write(numbers.map(|x| bf16::from_f32(x).to_le_bytes()).as_flattened()).unwrap();
    writer.write(numbers.map(f32::to_le_bytes).as_flattened()).unwrap();
    writer.write(halves.as_flattened()).unwrap();
    writer.finish().unwrap();
}

fn load(weights: Weights) -> Result<Layer, WeightsError> {
    weights.as_stored().load(Layer::new(), &KeyMap::new().ignore("first"))
}

#[test]
fn matrices_stay_and_the_rest_is_widened() {
    fn stored<const D: usize>(param: &Param<Tensor<D>>) -> (DType, Vec<f32>) {
        let data = param.val().into_data();
        (data.dtype(), data.convert::<f32>().try_into_vec_as().unwrap())
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer.safetensors");
    for odd in [false, true] {
        write(&path, odd, NUMBERS[2]);
        let compiled_in = Weights::from_bytes("layer", std::fs::read(&path).unwrap()).unwrap();
        for weights in [Weights::open(&path).unwrap(), compiled_in] {
            let layer = load(weights).unwrap();
            assert_eq!(stored(&layer.half), (DType::F16, NUMBERS.to_vec()));
            assert_eq!(stored(&layer.brain), (DType::BF16, NUMBERS.to_vec()));
            assert_eq!(stored(&layer.single), (DType::F32, NUMBERS.to_vec()));
            assert_eq!(stored(&layer.bias), (DType::F32, NUMBERS.to_vec()));
        }
    }
}

#[test]
fn numbers_that_are_none_are_refused_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer.safetensors");
    for last in [f32::NAN, f32::NEG_INFINITY] {
        write(&path, true, last);
        let Err(WeightsError::Mismatch { report, .. }) = load(Weights::open(&path).unwrap()) else {
            panic!("{last} was loaded");
        };
        let found: Vec<_> = report.non_finite.iter().map(|found| (found.key.as_str(), found.count)).collect();
        assert_eq!(found, [("bias", 1), ("brain", 1), ("half", 1), ("single", 1)]);
    }
}
