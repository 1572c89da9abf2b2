//! A conversion takes the same little memory, however large the file and its tensors are.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use gligen_weights::{Checkpoint, Conversion, Dtype, SafetensorsWriter};

const MIB: usize = 1 << 20;

/// The most memory that this process has had, mapped files included, in bytes.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// One test, because the whole process is measured.
#[test]
fn of_converting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unet.safetensors");
    let tensor = [("position_net.null_positive_feature", Dtype::F32, vec![32 * MIB])];
    let mut writer = SafetensorsWriter::create(&path, &tensor, &BTreeMap::new()).unwrap();
    for _ in 0..128 {
        writer.write(&vec![0x3c; MIB]).unwrap();
    }
    writer.finish().unwrap();
    let before = peak();
    let conversion = Conversion::to_adapter(&Checkpoint::open(&path).unwrap()).unwrap();
    let on = |_| ControlFlow::Continue(());
    conversion.with_dtype(Dtype::BF16).run(&folder.path().join("adapter.safetensors"), on).unwrap();
    let grown = peak() - before;
    println!("{} MiB for a tensor of 128", grown / MIB);
    assert!(grown < 32 * MIB, "{} MiB", grown / MIB);
}
