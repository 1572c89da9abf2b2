//! What is written is read again, and a file is whole or not there.

mod tiny;

use std::collections::BTreeMap;
use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::f16;
use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights, WeightsError};
use proptest::prelude::*;
use tiny::{numbers, waiting};

#[derive(Module, Debug)]
struct Two {
    single: Param<Tensor<2>>,
    half: Param<Tensor<2>>,
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

proptest! {
    #[test]
    fn round_trip(rows in 0usize..5, columns in 1usize..7, seed in any::<u32>(), piece in 1usize..40, pad in 0usize..9) {
        let count = rows * columns;
        let half = |i: usize| f16::from_f32((i as f32 - 3.5) * (seed % 1000) as f32);
        let single = |i: usize| (i as f32 + 0.1) * seed as f32;
        let bytes: Vec<u8> = (0..count).flat_map(|i| single(i).to_le_bytes())
            .chain((0..count).flat_map(|i| half(i).to_le_bytes()))
            .collect();

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.safetensors");
        let announced = [("single", Dtype::F32, vec![rows, columns]), ("half", Dtype::F16, vec![rows, columns])];
        let note = "x".repeat(pad);
        let mut writer = SafetensorsWriter::create(&path, &announced, &[("note".to_owned(), note.clone())].into()).unwrap();
        // Pieces never cross from one tensor into the next.
        let (first, second) = bytes.split_at(4 * count);
        for piece in first.chunks(piece).chain(second.chunks(piece)) {
            writer.write(piece).unwrap();
        }
        prop_assert!(!path.exists());
        writer.finish().unwrap();
        prop_assert_eq!(names(folder.path()), ["two.safetensors"]);

        let module = Two { single: waiting([rows, columns]), half: waiting([rows, columns]) };
        let module = Weights::open(&path).unwrap().load(module, &KeyMap::new()).unwrap();
        prop_assert_eq!(numbers(&module.single), (0..count).map(single).collect::<Vec<_>>());
        prop_assert_eq!(numbers(&module.half), (0..count).map(|i| half(i).to_f32()).collect::<Vec<_>>());

        // The format's own reader agrees.
        let stored = std::fs::read(&path).unwrap();
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&stored).unwrap();
        prop_assert_eq!(&metadata.metadata().as_ref().unwrap()["note"], &note);
    }
}

/// Whoever reads the path sees the old file until the new one is whole.
#[test]
fn an_abandoned_file_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, "old").unwrap();
    let announced = [("a", Dtype::F32, vec![2])];

    let mut writer = SafetensorsWriter::create(&path, &announced, &BTreeMap::new()).unwrap();
    writer.write(&[0; 4]).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, WeightsError::WrongSize { expected: 8, found: 4, .. }), "{error}");

    let mut writer = SafetensorsWriter::create(&path, &announced, &BTreeMap::new()).unwrap();
    let error = writer.write(&[0; 9]).unwrap_err();
    assert!(matches!(error, WeightsError::WrongSize { expected: 8, found: 9, .. }), "{error}");
    drop(writer);

    assert_eq!(names(folder.path()), ["model.safetensors"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
}

#[test]
fn a_folder_that_is_none() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("model.safetensors");
    let error = SafetensorsWriter::create(&path, &[("a", Dtype::F32, vec![])], &BTreeMap::new()).unwrap_err();
    assert!(matches!(error, WeightsError::Write { .. }), "{error}");
}

#[test]
fn announcements_that_are_refused() {
    let refused = |tensors: &[(&str, Dtype, Vec<usize>)]| {
        let folder = tempfile::tempdir().unwrap();
        let error =
            SafetensorsWriter::create(&folder.path().join("x"), tensors, &BTreeMap::new()).unwrap_err();
        assert!(names(folder.path()).is_empty());
        match error {
            WeightsError::Announcement { problem, .. } => problem,
            error => panic!("{error}"),
        }
    };
    let one = |key, dtype, shape: &[usize]| (key, dtype, shape.to_vec());
    let problems = [
        refused(&[one("a", Dtype::F32, &[1]), one("a", Dtype::F16, &[2])]),
        refused(&[one("__metadata__", Dtype::F32, &[1])]),
        refused(&[one("a", Dtype::Other("F8_E4M3"), &[1])]),
        refused(&[one("a", Dtype::F64, &[usize::MAX, 2])]),
        refused(&[one("a", Dtype::F64, &[1 << 60]), one("b", Dtype::F64, &[1 << 60])]),
    ];
    insta::assert_snapshot!(problems.join("\n"));
}
