//! From any layout to any other and back: the same networks, whole or not at all.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use gligen_testkit::fixtures;
use gligen_weights::{
    Checkpoint, Conversion, Converted, Dtype, Layout, Part, Progress, SafetensorsWriter, Weights,
    WeightsError,
};
use proptest::prelude::*;

const LAYOUTS: [&str; 4] = ["diffusers", "training.pth", "single_file.safetensors", "single_file.ckpt"];

fn layout(name: &str) -> Checkpoint {
    Checkpoint::open(&fixtures().join("weights/layouts").join(name)).unwrap()
}

fn on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Every network's tensors: type, shape, numbers.
type Content = BTreeMap<(Part, String), (Dtype, Vec<usize>, Vec<f32>)>;

fn content(checkpoint: &Checkpoint) -> Content {
    let of = |part, weights: &Weights| -> Content {
        let tensors = weights.tensors().map(|(key, info)| {
            ((part, key.to_owned()), (info.dtype, info.shape.clone(), weights.numbers(key).unwrap()))
        });
        tensors.collect()
    };
    checkpoint.parts().flat_map(|(part, weights)| of(part, weights)).collect()
}

/// Files below `folder`, and their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (number, name) in LAYOUTS.into_iter().enumerate() {
        let source = layout(name);
        let single = at(&format!("{number}.safetensors"));
        Conversion::to_single_file(&source).unwrap().run(&single, on).unwrap();
        let single = Checkpoint::open(&single).unwrap();
        assert_eq!(single.layout(), Layout::SingleFile);
        assert_eq!(content(&single), content(&source), "{name}");

        let whole = at(&number.to_string());
        Conversion::to_diffusers(&single).unwrap().run(&whole, on).unwrap();
        let whole = Checkpoint::open(&whole).unwrap();
        assert_eq!(whole.layout(), Layout::Folder);
        assert_eq!(content(&whole), content(&source), "{name}");

        let adapter = at(&format!("adapter{number}.safetensors"));
        Conversion::to_adapter(&source).unwrap().run(&adapter, on).unwrap();
        let adapter = Checkpoint::open(&adapter).unwrap();
        assert_eq!(adapter.layout(), Layout::Adapter);
        let mut expected = content(&source);
        expected.retain(|(_, key), _| key.contains(".fuser.") || key.starts_with("position_net."));
        assert_eq!(content(&adapter), expected, "{name}");
    }
}

/// What is written is what the reference wrote, name by name.
#[test]
fn names_are_those_of_published_files() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = |path: &Path| -> Vec<_> {
        let weights = Weights::open(path).unwrap();
        weights.tensors().map(|(key, info)| (key.to_owned(), info.clone())).collect()
    };
    let layouts = fixtures().join("weights/layouts");

    let path = folder.path().join("single_file.safetensors");
    Conversion::to_single_file(&layout("diffusers")).unwrap().run(&path, on).unwrap();
    let mut expected = tensors(&layouts.join("single_file.safetensors"));
    expected.retain(|(key, _)| key.contains('.') && !key.ends_with("position_ids"));
    assert_eq!(tensors(&path), expected);

    let path = folder.path().join("adapter.safetensors");
    Conversion::to_adapter(&layout("diffusers")).unwrap().run(&path, on).unwrap();
    assert_eq!(tensors(&path), tensors(&layouts.join("adapter.safetensors")));
}

#[test]
fn types() {
    let folder = tempfile::tempdir().unwrap();
    let source = layout("training.pth");
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32] {
        let path = folder.path().join(format!("{dtype}.safetensors"));
        Conversion::to_single_file(&source).unwrap().with_dtype(dtype).run(&path, on).unwrap();
        let mut expected = content(&source);
        // The numbers of the fixture are in every type.
        expected.values_mut().for_each(|tensor| tensor.0 = dtype);
        assert_eq!(content(&Checkpoint::open(&path).unwrap()), expected);
    }
}

#[test]
fn shards_and_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let source = layout("single_file.safetensors");
    let texts =
        vec![("unet/config.json".into(), b"{}".to_vec()), ("model_index.json".into(), b"[]".to_vec())];
    let path = folder.path().join("model");
    let conversion = Conversion::to_diffusers(&source).unwrap().with_texts(texts).with_shard_size(4000);
    let Converted { files: written } = conversion.run(&path, on).unwrap();
    assert_eq!(content(&Checkpoint::open(&path).unwrap()), content(&source));

    let files = files(folder.path());
    let names: Vec<_> = files.keys().map(|path| path.to_str().unwrap()).collect();
    insta::assert_snapshot!(names.join("\n"));
    assert_eq!(files[Path::new("model/unet/config.json")], b"{}");
    let index = &files[Path::new("model/unet/diffusion_pytorch_model.safetensors.index.json")];
    let index: serde_json::Value = serde_json::from_slice(index).unwrap();
    let unet = written.iter().filter(|file| file.path.starts_with(path.join("unet")));
    assert_eq!(index["metadata"]["total_size"], unet.clone().map(|file| file.bytes).sum::<u64>());
    assert!(unet.map(|file| file.bytes).all(|bytes| bytes <= 4000));
    let tensors: usize = written.iter().map(|file| file.tensors).sum();
    assert_eq!(tensors, content(&source).len());
}

#[test]
fn what_goes_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let numbers = |name: &str, first: f32| {
        let tensors = [("model.diffusion_model.position_net.null_positive_feature", Dtype::F32, vec![2])];
        let mut writer = SafetensorsWriter::create(&at(name), &tensors, &BTreeMap::new()).unwrap();
        writer.write(&[first.to_le_bytes(), 1.0f32.to_le_bytes()].concat()).unwrap();
        writer.finish().unwrap();
        Checkpoint::open(&at(name)).unwrap()
    };
    let (large, damaged) = (numbers("large.safetensors", 1e6), numbers("damaged.safetensors", f32::NAN));
    let odd = layout("diffusers").path().join("unet/diffusion_pytorch_model.bin");
    let odd = Checkpoint::open(&odd).unwrap();
    std::fs::write(at("taken"), "kept").unwrap();
    let half = |source: &Checkpoint| Conversion::to_adapter(source).unwrap().with_dtype(Dtype::F16);
    let vae = layout("diffusers/vae");
    let errors = [
        half(&large).run(&at("out"), on).unwrap_err(),
        half(&damaged).run(&at("out"), on).unwrap_err(),
        half(&layout("diffusers")).run(&at("taken"), on).unwrap_err(),
        half(&layout("diffusers")).run(&at("no/such/folder"), on).unwrap_err(),
        Conversion::to_adapter(&vae).unwrap_err(),
        Conversion::to_single_file(&odd).unwrap_err(),
        Conversion::to_single_file(&layout("adapter.safetensors")).unwrap_err(),
        Conversion::to_diffusers(&layout("adapter.safetensors")).unwrap_err(),
        layout("diffusers").with(&layout("training.pth")).unwrap_err(),
        layout("diffusers").with(&layout("adapter.safetensors")).unwrap_err(),
        vae.with(&layout("adapter.safetensors")).unwrap_err(),
    ];
    let text: Vec<_> = errors
        .iter()
        .map(|error| format!("{error}{}", error.hint().map_or(String::new(), |hint| format!("\n    {hint}"))))
        .map(|text| text.replace(&format!("{}/", folder.path().display()), ""))
        .map(|text| text.replace(&format!("{}/", fixtures().display()), ""))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
    let names: Vec<_> = files(folder.path()).into_keys().collect();
    assert_eq!(names, ["damaged.safetensors", "large.safetensors", "taken"].map(PathBuf::from));
}

proptest! {
    // Each puts files on the disk.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Wherever it is stopped, nothing is left, and it can be done again.
    #[test]
    fn stopped(after in 0u64..10_000, to_folder: bool) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let source = layout("diffusers");
        let conversion = || if to_folder {
            Conversion::to_diffusers(&source).unwrap().with_texts(vec![("a.json".into(), b"{}".to_vec())])
        } else {
            Conversion::to_single_file(&source).unwrap()
        };
        let mut last = Progress { done: 0, of: 0 };
        let stopped = conversion().run(&out, |progress| {
            assert!(progress.done >= last.done && progress.done <= progress.of);
            last = progress;
            if progress.done > after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match stopped {
            Err(error) => {
                prop_assert!(matches!(error, WeightsError::Interrupted), "{}", error);
                prop_assert!(files(folder.path()).is_empty());
                conversion().run(&out, on).unwrap();
            }
            Ok(_) => prop_assert_eq!(last.done, last.of),
        }
        prop_assert_eq!(content(&Checkpoint::open(&out).unwrap()), content(&source));
    }
}

/// What a killed run has left is removed by the next one; what another run is making is not.
#[test]
fn leftovers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let source = layout("diffusers");
    std::fs::write(at(".file.part"), "half a file").unwrap();
    std::fs::create_dir_all(at(".folder.part/unet")).unwrap();
    std::fs::write(at(".folder.part/.lock"), "").unwrap();
    std::fs::write(at(".folder.part/unet/half.safetensors"), "half a file").unwrap();
    Conversion::to_adapter(&source).unwrap().run(&at("file"), on).unwrap();
    Conversion::to_diffusers(&source).unwrap().run(&at("folder"), on).unwrap();
    let names: Vec<_> = files(folder.path()).into_keys().collect();
    let expected = [
        "file",
        "folder/text_encoder/model.safetensors",
        "folder/unet/diffusion_pytorch_model.safetensors",
        "folder/vae/diffusion_pytorch_model.safetensors",
    ];
    assert_eq!(names, expected.map(PathBuf::from));

    let mut at_once = None;
    Conversion::to_adapter(&source)
        .unwrap()
        .run(&at("other"), |_| {
            at_once.get_or_insert_with(|| {
                Conversion::to_adapter(&source).unwrap().run(&at("other"), on).unwrap_err()
            });
            ControlFlow::Continue(())
        })
        .unwrap();
    let error = at_once.unwrap().to_string();
    assert!(error.ends_with("another run is writing it"), "{error}");
    assert!(Checkpoint::open(&at("other")).is_ok());
}
