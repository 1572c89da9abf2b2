//! What people read when a checkpoint does not fit.

mod tiny;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use gligen_testkit::fixtures;
use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights, WeightsError};
use tiny::{Tiny, waiting};

/// The error with its hint, without the folder's name.
fn text(error: &WeightsError, folder: &Path) -> String {
    let mut text = format!("error: {error}");
    if let Some(hint) = error.hint() {
        write!(text, "\nhint: {hint}").unwrap();
    }
    text.replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "FOLDER")
}

/// Writes zeros, but for the tensors named in `odd`, whose first number has these bytes.
fn write(path: &Path, tensors: &[(&str, Dtype, &[usize])], odd: &[(&str, &[u8])]) {
    let announced: Vec<_> =
        tensors.iter().map(|(key, dtype, shape)| (*key, *dtype, shape.to_vec())).collect();
    let mut writer = SafetensorsWriter::create(path, &announced, &BTreeMap::new()).unwrap();
    for (key, dtype, shape) in tensors {
        let mut bytes = vec![0; dtype.size().unwrap() * shape.iter().product::<usize>()];
        if let Some((_, first)) = odd.iter().find(|(name, _)| name == key) {
            bytes[..first.len()].copy_from_slice(first);
        }
        writer.write(&bytes).unwrap();
    }
    writer.finish().unwrap();
}

const TINY: [(&str, Dtype, &[usize]); 7] = [
    ("scalar", Dtype::F32, &[]),
    ("half", Dtype::F16, &[3, 4]),
    ("brain", Dtype::BF16, &[2, 3]),
    ("single", Dtype::F32, &[2, 3, 2]),
    ("transposed", Dtype::F64, &[4, 3]),
    ("first_rows", Dtype::F32, &[2, 4]),
    ("last_rows", Dtype::F32, &[4, 4]),
];

#[test]
fn everything_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut tensors = TINY.to_vec();
    tensors[0] = ("scalar", Dtype::I64, &[]);
    tensors[3] = ("single", Dtype::F32, &[2, 2, 3]);
    tensors.remove(5);
    let names: Vec<_> = (0..12).map(|i| format!("left_over.{i}")).collect();
    tensors.extend(names.iter().map(|name| (name.as_str(), Dtype::U8, [3].as_slice())));
    let odd: [(&str, &[u8]); 4] = [
        ("half", &[0x00, 0x7c]),                         // infinity
        ("brain", &[0xc0, 0x7f, 0x80, 0xff]),            // NaN, -infinity
        ("transposed", &[0, 0, 0, 0, 0, 0, 0xf0, 0x7e]), // a number beyond f32
        ("last_rows", &[0, 0, 0xc0, 0xff]),              // NaN
    ];
    write(&path, &tensors, &odd);
    let error = Weights::open(&path).unwrap().load(Tiny::new(), &KeyMap::new()).unwrap_err();
    insta::assert_snapshot!(text(&error, folder.path()));
}

#[test]
fn another_kind_of_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write(&path, &[("bert.embeddings.weight", Dtype::F32, &[2, 2])], &[]);
    let error = Weights::open(&path).unwrap().load(Tiny::new(), &KeyMap::new()).unwrap_err();
    insta::assert_snapshot!(text(&error, folder.path()));
}

#[derive(Module, Debug)]
struct Linear {
    weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct Fuser {
    linear: Linear,
}

#[derive(Module, Debug)]
struct Block {
    conv_in: Linear,
    fuser: Option<Fuser>,
}

#[derive(Module, Debug)]
struct UNet {
    mid_block: Block,
}

#[test]
fn hints_of_networks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let hint = |grounded: bool, tensors: &[(&str, &[usize])]| {
        let tensors: Vec<_> = tensors.iter().map(|&(key, shape)| (key, Dtype::F16, shape)).collect();
        write(&path, &tensors, &[]);
        let fuser = grounded.then(|| Fuser { linear: Linear { weight: waiting([4, 768]) } });
        let module = UNet { mid_block: Block { conv_in: Linear { weight: waiting([4, 3]) }, fuser } };
        let error = Weights::open(&path).unwrap().load(module, &KeyMap::new()).unwrap_err();
        error.hint().unwrap_or_default()
    };
    let conv_in = ("mid_block.conv_in.weight", [4, 3].as_slice());
    let fuser = ("mid_block.fuser.linear.weight", [4, 768].as_slice());
    let hints = [
        hint(true, &[conv_in, (fuser.0, &[4, 1024])]),
        hint(true, &[(conv_in.0, &[4, 9]), fuser]),
        hint(true, &[conv_in]),
        hint(false, &[conv_in, fuser]),
        hint(true, &[("input_blocks.0.0.weight", &[1])]),
    ];
    insta::assert_snapshot!(hints.join("\n"));
}

/// Files that are not what their names say, and folders with nothing in them.
#[test]
fn files_that_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let open = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        text(&Weights::open(&path).unwrap_err(), folder)
    };
    let plain = std::fs::read(fixtures().join("weights/plain.safetensors")).unwrap();
    let pickled = std::fs::read(fixtures().join("weights/pickle_zip.bin")).unwrap();
    let longer = [plain.as_slice(), b"more"].concat();
    let index = |shard: &str| format!(r#"{{"weight_map": {{"a": "{shard}"}}}}"#).into_bytes();
    let texts = [
        open("cut.safetensors", &plain[..plain.len() - 7]),
        open("cut_header.safetensors", &plain[..100]),
        open("cut_prefix.safetensors", &plain[..5]),
        open("longer.safetensors", &longer),
        open("damaged.safetensors", b"\x03\0\0\0\0\0\0\0{]}"),
        open("cut.bin", &pickled[..pickled.len() / 2]),
        open("empty.bin", b""),
        open("pointer.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
        open("page.bin", b"<!DOCTYPE html><html><head><title>Not found</title>"),
        open("picture.bin", b"\x89PNG\r\n\x1a\n"),
        open("outside.index.json", &index("../secret.safetensors")),
        open("absolute.index.json", &index("/etc/passwd")),
        open("missing.index.json", &index("model-00001-of-00002.safetensors")),
        open("broken.index.json", b"{"),
        open("other.index.json", b"{\"weight_map\": 3}"),
        {
            std::fs::write(folder.join("shard.safetensors"), &plain).unwrap();
            open("not_in_shard.index.json", &index("shard.safetensors"))
        },
        text(&Weights::open(&folder.join("absent.safetensors")).unwrap_err(), folder),
        text(&Weights::find(folder, &["model", "pytorch_model"]).unwrap_err(), folder),
        text(&Weights::find(&folder.join("unet"), &["model"]).unwrap_err(), folder),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn names_that_become_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write(&path, &[("a.query.weight", Dtype::F32, &[1]), ("a.to_q.weight", Dtype::F32, &[1])], &[]);
    let map = KeyMap::new().rename_segment("query", "to_q");
    let error = Weights::open(&path).unwrap().load(Tiny::new(), &map).unwrap_err();
    insta::assert_snapshot!(text(&error, folder.path()));
}

/// Safetensors before pickles, one file before several, full precision before half.
#[test]
fn which_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let plain = std::fs::read(fixtures().join("weights/plain.safetensors")).unwrap();
    let pickled = std::fs::read(fixtures().join("weights/pickle_zip.bin")).unwrap();
    let keys = Weights::from_bytes("plain", plain.clone()).unwrap();
    let map: Vec<_> = keys.tensors().map(|(key, _)| format!(r#""{key}": "shard.safetensors""#)).collect();
    let index = format!(r#"{{"weight_map": {{{}}}}}"#, map.join(", "));
    std::fs::write(folder.path().join("shard.safetensors"), &plain).unwrap();
    let least_first: [(&str, &[u8]); 6] = [
        ("model.fp16.bin", &pickled),
        ("model.fp16.safetensors", &plain),
        ("pytorch_model.bin", &pickled),
        ("model.safetensors.index.json", index.as_bytes()),
        ("pytorch_model.safetensors", &plain),
        ("model.safetensors", &plain),
    ];
    for (name, bytes) in least_first {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let found = Weights::find(folder.path(), &["model", "pytorch_model"]).unwrap();
        assert_eq!(found.path(), folder.path().join(name));
    }
}
