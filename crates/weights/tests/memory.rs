//! Loading takes the memory that the numbers need, and none for those that lie in the file as they are used.
#![cfg(target_os = "linux")]

mod tiny;

use std::collections::BTreeMap;
use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights};
use tiny::waiting;

const LENGTH: usize = 16 << 20;
const MIB: usize = 1 << 20;

#[derive(Module, Debug)]
struct Large {
    weight: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Matrix {
    weight: Param<Tensor<2>>,
}

/// A line of `/proc/self/{file}`, in bytes.
fn measured(file: &str, line: &str) -> usize {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap();
    let number = text.lines().find_map(|l| l.strip_prefix(line)).unwrap().trim().trim_end_matches(" kB");
    number.parse::<usize>().unwrap() * 1024
}

fn write(path: &Path, dtype: Dtype, shape: &[usize]) {
    let mut writer =
        SafetensorsWriter::create(path, &[("weight", dtype, shape.to_vec())], &BTreeMap::new()).unwrap();
    for _ in 0..LENGTH * dtype.size().unwrap() / MIB {
        writer.write(&vec![0x3c; MIB]).unwrap();
    }
    writer.finish().unwrap();
}

/// One test, because the whole process is measured.
#[test]
fn of_loading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.safetensors");
    let load = |dtype| {
        write(&path, dtype, &[LENGTH]);
        let before = measured("smaps_rollup", "Anonymous:");
        let module = Large { weight: waiting([LENGTH]) };
        let module = Weights::open(&path).unwrap().load(module, &KeyMap::new()).unwrap();
        let grown = measured("smaps_rollup", "Anonymous:").saturating_sub(before);
        println!(
            "{dtype}: {:.1} MiB of its own for {} MiB of numbers",
            grown as f64 / MIB as f64,
            4 * LENGTH / MIB
        );
        (module, grown)
    };

    // A thread's stack and the like come and go: a few MiB.
    let (module, grown) = load(Dtype::F32);
    assert!(grown < 8 * MIB, "used in place, but {grown} bytes");
    // The numbers are those of the file although the file has lost its name.
    std::fs::remove_file(&path).unwrap();
    let expected = f32::from_le_bytes([0x3c; 4]);
    assert_eq!(module.weight.val().narrow(0, LENGTH - 1, 1).into_scalar::<f32>(), expected);
    drop(module);

    let peak = measured("status", "VmHWM:");
    let (module, grown) = load(Dtype::BF16);
    assert!(grown.abs_diff(4 * LENGTH) < 8 * MIB, "{grown} bytes for {}", 4 * LENGTH);
    let peak = measured("status", "VmHWM:") - peak;
    // At its height also the pages of the one tensor being widened.
    assert!(peak < 6 * LENGTH + 8 * MIB, "{peak} bytes at the height");
    drop(module);

    // As stored, it takes nothing of its own, and of the file what has been used.
    let shape = [1024, LENGTH / 1024];
    write(&path, Dtype::F16, &shape);
    let (own, mapped) = (measured("smaps_rollup", "Anonymous:"), measured("status", "RssFile:"));
    let grown = || measured("status", "RssFile:").saturating_sub(mapped);
    let weights = Weights::open(&path).unwrap().as_stored();
    let module = weights.load(Matrix { weight: waiting(shape) }, &KeyMap::new()).unwrap();
    let own = measured("smaps_rollup", "Anonymous:").saturating_sub(own);
    assert!(own < 8 * MIB, "used in place, but {own} bytes");
    assert!(grown() < 8 * MIB, "{} bytes before any use", grown());
    let sum = || module.weight.val().into_data().as_bytes().iter().map(|&byte| u64::from(byte)).sum::<u64>();
    assert_eq!(sum(), 0x3c * 2 * LENGTH as u64);
    assert!(grown() > 2 * LENGTH - 8 * MIB, "{} bytes after use", grown());
    weights.release();
    assert!(grown() < 8 * MIB, "{} bytes after they were given back", grown());
    assert_eq!(sum(), 0x3c * 2 * LENGTH as u64);
}
