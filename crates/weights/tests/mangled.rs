//! Damaged and hostile files are errors: never a panic, never memory without bound.

mod tiny;

use std::path::Path;

use gligen_testkit::fixtures;
use gligen_weights::{Checkpoint, Weights};
use proptest::prelude::*;
use proptest::sample::Index;
use tiny::{Tiny, keys};

/// One thing done to a file.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    /// A length or an offset that no file has.
    Huge(Index, u64),
    Cut(Index),
    Repeat(Index, Index),
    Remove(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (index(), 30u32..64).prop_map(|(at, power)| Damage::Huge(at, 1 << power)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), index()).prop_map(|(a, b)| Damage::Repeat(a, b)),
        1 => (index(), index()).prop_map(|(a, b)| Damage::Remove(a, b)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    let at = |index: &Index| index.index(len);
    let range = |a: &Index, b: &Index| at(a).min(at(b))..at(a).max(at(b));
    match damage {
        Damage::Set(index, byte) => bytes[at(index)] = *byte,
        Damage::Huge(index, number) => {
            let place = at(index)..(at(index) + 8).min(len);
            bytes.splice(place, number.to_le_bytes());
        }
        Damage::Cut(index) => bytes.truncate(at(index)),
        Damage::Repeat(a, b) => {
            let copy = bytes[range(a, b)].to_vec();
            bytes.splice(at(a)..at(a), copy);
        }
        Damage::Remove(a, b) => {
            bytes.drain(range(a, b));
        }
    }
}

/// Opens and loads what `bytes` are, if they are anything.
fn read(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    if let Ok(weights) = Weights::open(file.path()) {
        let _ = weights.load(Tiny::new(), &keys());
        let _ = Checkpoint::of(&weights).map(|checkpoint| checkpoint.needs());
    }
    let _ = Weights::from_bytes("mangled", bytes.to_vec());
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join("weights").join(name)).unwrap()
}

/// The most address space that this process has had, in bytes. It counts memory that was asked for and never touched.
fn peak() -> usize {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = text.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// One test, because the memory of the whole process is measured.
#[test]
fn files() {
    let files = [
        "plain.safetensors",
        "pickle_legacy.bin",
        "pickle_zip.bin",
        "opaque.ckpt",
        "layouts/adapter.safetensors",
        "layouts/adapter.pth",
    ]
    .map(fixture);
    for file in &files {
        read(file);
    }
    let before = peak();
    let strategy = (0..files.len(), proptest::collection::vec(damage(), 1..4));
    proptest!(|((file, damages) in strategy)| {
        let mut bytes = files[file].clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        read(&bytes);
    });
    let grown = peak() - before;
    println!("address space grew by {} KiB", grown / 1024);
    assert!(grown < 256 << 20, "address space grew by {grown} bytes");
}

/// Headers that announce more than there is; each is refused before memory is asked for.
#[test]
fn lengths_beyond_the_file() {
    let header = |json: &str, length: u64| [&length.to_le_bytes(), json.as_bytes()].concat();
    let whole = |json: &str| header(json, json.len() as u64);
    let vast = 1u64 << 60;
    let files = [
        header("{}", vast),
        header("{}", u64::MAX),
        header("{}", 1 << 31),
        header("{}", 15 << 20),
        whole(&format!(r#"{{"a":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{vast}]}}}}"#, vast / 4)),
        whole(&format!(r#"{{"a":{{"dtype":"F32","shape":[{vast},{vast}],"data_offsets":[0,{vast}]}}}}"#)),
        whole(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,3]}}"#),
    ];
    for bytes in files {
        let error = Weights::from_bytes("vast", bytes.clone()).unwrap_err();
        println!("{error}");
        let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Weights::open(file.path()).unwrap_err();
    }
    Weights::open(Path::new("/")).unwrap_err();
}
