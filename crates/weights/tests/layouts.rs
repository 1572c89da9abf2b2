//! Every layout in which GLIGEN checkpoints have been published gives the same networks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gligen_testkit::{Fixture, fixtures};
use gligen_weights::{
    Checkpoint, Dtype, Grounding, Layout, Names, Naming, Part, SafetensorsWriter, Weights, WeightsError,
};

fn folder() -> PathBuf {
    fixtures().join("weights/layouts")
}

const MAIN: [Part; 3] = [Part::UNet, Part::Vae, Part::TextEncoder];

/// Shapes and numbers of all tensors of `part`, exactly those of the reference.
#[track_caller]
fn assert_equal(checkpoint: &Checkpoint, part: Part, only: impl Fn(&str) -> bool) {
    let expected = Weights::open(&folder().join("expected.safetensors")).unwrap();
    let prefix = format!("{}.", part.folder());
    let all = |weights: &Weights, prefix: &str| -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        let own = weights.tensors().filter_map(|(key, info)| Some((key, key.strip_prefix(prefix)?, info)));
        own.filter(|(_, key, _)| only(key))
            .map(|(full, key, info)| (key.to_owned(), (info.shape.clone(), weights.numbers(full).unwrap())))
            .collect()
    };
    let found = all(checkpoint.part(part).unwrap(), "");
    let expected = all(&expected, &prefix);
    assert!(!expected.is_empty());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{part}");
    for (key, tensor) in &expected {
        assert_eq!(&found[key], tensor, "{part}: {key}");
    }
}

fn is_grounding(key: &str) -> bool {
    key.contains(".fuser.") || key.starts_with("position_net.")
}

#[test]
fn every_layout_holds_the_same_networks() {
    for (name, layout) in [
        ("diffusers", Layout::Folder),
        ("training.pth", Layout::Training),
        ("single_file.safetensors", Layout::SingleFile),
        ("single_file.ckpt", Layout::SingleFile),
    ] {
        let checkpoint = Checkpoint::open(&folder().join(name)).unwrap();
        assert_eq!(checkpoint.layout(), layout, "{name}");
        assert_eq!(checkpoint.grounding(), Grounding::TextBox, "{name}");
        assert!(checkpoint.in_channels().is_some());
        checkpoint.check().unwrap();
        for part in MAIN {
            assert_equal(&checkpoint, part, |_| true);
        }
    }
    for name in ["adapter.safetensors", "adapter.pth"] {
        let checkpoint = Checkpoint::open(&folder().join(name)).unwrap();
        assert_eq!((checkpoint.layout(), checkpoint.naming()), (Layout::Adapter, Naming::Original), "{name}");
        assert_eq!((checkpoint.grounding(), checkpoint.in_channels()), (Grounding::TextBox, None));
        assert_equal(&checkpoint, Part::UNet, is_grounding);
    }
}

/// What no network needs is told, not dropped.
#[test]
fn what_is_left_out() {
    let mut text = String::new();
    for name in ["diffusers", "training.pth", "single_file.safetensors"] {
        let checkpoint = Checkpoint::open(&folder().join(name)).unwrap();
        for left_out in checkpoint.left_out() {
            writeln!(text, "{name}: {}: {}", left_out.key, left_out.reason).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn one_network_alone() {
    for (name, part) in [
        ("diffusers/unet/diffusion_pytorch_model.bin", Part::UNet),
        ("diffusers/vae", Part::Vae),
        ("diffusers/text_encoder/pytorch_model.bin", Part::TextEncoder),
    ] {
        let checkpoint = Checkpoint::open(&folder().join(name)).unwrap();
        assert_eq!((checkpoint.layout(), checkpoint.naming()), (Layout::Part(part), Naming::Diffusers));
        assert_equal(&checkpoint, part, |_| true);
    }
}

#[test]
fn an_adapter_on_a_base_is_the_whole() {
    let whole = Checkpoint::open(&folder().join("single_file.safetensors")).unwrap();
    let adapter = Checkpoint::open(&folder().join("adapter.safetensors")).unwrap();
    let (whole, adapter) = (whole.part(Part::UNet).unwrap(), adapter.part(Part::UNet).unwrap());
    // A base is what a whole one is without them.
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("base.safetensors");
    let kept: Vec<_> = whole.tensors().filter(|(key, _)| !is_grounding(key)).collect();
    let header: Vec<_> = kept.iter().map(|(key, info)| (*key, Dtype::F32, info.shape.clone())).collect();
    let mut writer = SafetensorsWriter::create(&path, &header, &BTreeMap::new()).unwrap();
    for (key, _) in kept {
        let numbers = whole.numbers(key).unwrap();
        writer.write(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap();

    let base = Checkpoint::open(&path).unwrap();
    assert_eq!(base.grounding(), Grounding::None);
    let both = base.part(Part::UNet).unwrap().with(adapter).unwrap();
    assert!(both.tensors().map(|(key, _)| key).eq(whole.tensors().map(|(key, _)| key)));
    for (key, info) in whole.tensors() {
        assert_eq!(both.numbers(key).unwrap(), whole.numbers(key).unwrap(), "{key}");
        assert!(both.tensors().any(|(other, same)| other == key && same.shape == info.shape));
    }

    let error = whole.with(adapter).unwrap_err();
    assert!(matches!(error, WeightsError::SameParameter { .. }), "{error}");
}

/// One network as the reference's own `save_pretrained` writes it.
#[test]
fn saved_by_the_reference() {
    let folder = fixtures().join("weights/saved");
    let expected = Fixture::open("weights/saved/expected");
    for name in ["plain", "bin", "sharded", "sharded_bin"] {
        let weights = Weights::find(&folder.join(name), &[Part::Vae.stem()]).unwrap();
        assert_eq!(weights.tensors().count(), 124, "{name}");
        for (key, info) in weights.tensors() {
            assert_eq!(info.dtype, Dtype::F16);
            assert_eq!(weights.numbers(key).unwrap(), expected.floats(key), "{name}: {key}");
        }
    }
}

/// The names of the published networks: network, original, diffusers.
fn published() -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(fixtures().join("weights/original_names.tsv")).unwrap();
    let rows = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.map(|row| <[_; 3]>::try_from(row).unwrap().into()).collect()
}

fn published_names(part: &str) -> Names {
    let rows = published();
    let keys = || rows.iter().filter(|row| row.0 == part).map(|row| row.1.as_str());
    match part {
        "unet" => Names::unet(keys()),
        "vae" => Names::vae(keys()),
        _ => Names::text_encoder(),
    }
}

/// Every parameter of the published networks is called what the reference calls it, both ways.
#[test]
fn names_are_the_references() {
    for part in ["unet", "vae", "text_encoder"] {
        let names = published_names(part);
        let mut rows = 0;
        for (_, original, diffusers) in published().iter().filter(|row| row.0 == part) {
            assert_eq!(names.to_diffusers(original).as_ref(), Some(diffusers), "{original}");
            assert_eq!(names.to_original(diffusers).as_ref(), Some(original), "{diffusers}");
            rows += 1;
        }
        assert!(rows >= 196, "{part}: {rows}");
    }
}

/// The same table comes from the keys of either naming.
#[test]
fn either_naming_tells_the_table() {
    let rows = published();
    let ours = |part: &'static str| rows.iter().filter(move |row| row.0 == part).map(|row| row.2.as_str());
    assert!(Names::unet(ours("unet")).rows().eq(published_names("unet").rows()));
    assert!(Names::vae(ours("vae")).rows().eq(published_names("vae").rows()));
    // An adapter has fewer keys, and needs no row that the whole does not have.
    let adapter = ours("unet").filter(|key| is_grounding(key));
    let names = Names::unet(adapter.clone());
    for key in adapter {
        assert_eq!(names.to_original(key), published_names("unet").to_original(key));
    }
}

/// The tables of the published networks, as people read them.
#[test]
fn tables() {
    let mut text = String::new();
    for part in ["unet", "vae", "text_encoder"] {
        writeln!(text, "{part}").unwrap();
        for (original, diffusers) in published_names(part).rows() {
            writeln!(text, "  {original:32} {diffusers}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// What is no checkpoint is told what it is.
#[test]
fn other_files() {
    let folder = tempfile::tempdir().unwrap();
    let told = |keys: &[&str]| {
        let path = folder.path().join("file.safetensors");
        write(&path, keys);
        Checkpoint::open(&path).unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "")
    };
    let mut text = vec![
        told(&[]),
        told(&["bert.embeddings.weight", "bert.pooler.bias"]),
        told(&["a.weight", "b.weight", "c.weight", "d.weight"]),
        told(&["model.diffusion_model.out.0.weight", "conditioner.embedders.0.transformer.x"]),
        told(&["model.diffusion_model.out.0.weight", "cond_stage_model.model.ln_final.weight"]),
        told(&["lora_unet_mid_block_attentions_0.lora_up.weight"]),
        told(&["unet.mid_block.attn.lora_A.weight"]),
        told(&["emb_params"]),
        told(&["control_model.input_blocks.0.0.weight"]),
        Checkpoint::open(folder.path()).unwrap_err().to_string().split(": ").nth(1).unwrap().into(),
    ];
    let path = folder.path().join("file.safetensors");
    let more = ["lost.weight", "a", "b", "c", "d", "e"];
    write(
        &path,
        &[&["model.diffusion_model.out.0.weight", "model.diffusion_model.odd.weight"], &more[..]].concat(),
    );
    let checkpoint = Checkpoint::open(&path).unwrap();
    assert_eq!(checkpoint.unknown().len(), 6);
    text.push(
        checkpoint.check().unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), ""),
    );
    // Unknown within a network: whoever loads it is told.
    assert!(checkpoint.part(Part::UNet).unwrap().tensors().any(|(key, _)| key == "odd.weight"));
    insta::assert_snapshot!(text.join("\n"));
}

fn write(path: &Path, keys: &[&str]) {
    let tensors: Vec<_> = keys.iter().map(|key| (*key, Dtype::F32, vec![1])).collect();
    let mut writer = SafetensorsWriter::create(path, &tensors, &BTreeMap::new()).unwrap();
    for _ in keys {
        writer.write(&[0; 4]).unwrap();
    }
    writer.finish().unwrap();
}
