//! LoRA files of every layout against what peft makes of them, and what is refused.
//!
//! The allowance is 1e-6 relative: an f32 sum of two to four products, in another order than torch's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gligen_testkit::{Fixture, fixtures, relative_error};
use gligen_weights::{Dtype, Lora, LoraError, Names, Part, SafetensorsWriter, Weights};

const SCALE: f64 = 0.7;

fn adapter(name: &str) -> PathBuf {
    fixtures().join("adapters").join(name)
}

fn model(name: &str, part: &str) -> Weights {
    let stems = ["diffusion_pytorch_model", "model", "pytorch_model"];
    Weights::find(&fixtures().join("models").join(name).join(part), &stems).unwrap()
}

fn stored(weights: &Weights, prefix: &str) -> BTreeMap<String, Vec<f32>> {
    let keys = weights.tensors().filter(|(_, info)| info.dtype != Dtype::I64).map(|(key, _)| key);
    keys.map(|key| (format!("{prefix}{key}"), weights.numbers(key).unwrap())).collect()
}

/// Merges `file` into the model `text-box`, and compares all of it.
fn compare(name: &str, file: &str) {
    let expected = Fixture::open("adapters/expected");
    let lora = Lora::open(&adapter(file)).unwrap();
    let mut changed = 0;
    for (part, kind) in [("unet", Part::UNet), ("text_encoder", Part::TextEncoder)] {
        let before = stored(&model("text-box", part), &format!("{name}/{part}."));
        let merged = model("text-box", part).with_lora(&lora, kind, SCALE).unwrap();
        let merged = stored(&merged, &format!("{name}/{part}."));
        assert_eq!(before.len(), merged.len());
        for (key, numbers) in merged {
            if expected.names().contains(&key) {
                let error = relative_error(&numbers, &expected.floats(&key));
                println!("{key}: relative error {error:.1e}");
                assert!(error <= 1e-6, "{key}: relative error {error:.1e}");
                assert!(relative_error(&before[&key], &numbers) > 0.01, "{key}: hardly changed");
                changed += 1;
            } else {
                assert_eq!(numbers, before[&key], "{key}");
            }
        }
    }
    let all = expected.names().into_iter().filter(|key| key.starts_with(&format!("{name}/"))).count();
    assert_eq!(changed, all);
    assert_eq!(changed, lora.layers(Part::UNet) + lora.layers(Part::TextEncoder));
}

#[test]
fn kohya() {
    compare("kohya", "kohya.safetensors");
    compare("kohya_alphas", "kohya_alphas.safetensors");
}

#[test]
fn diffusers() {
    compare("diffusers", "diffusers.safetensors");
    compare("diffusers_old", "diffusers_old.safetensors");
    compare("attn_procs", "attn_procs.bin");
}

#[test]
fn peft_by_itself() {
    compare("peft", "peft/adapter_model.safetensors");
}

#[test]
fn one_after_another_they_add_up() {
    let lora = Lora::open(&adapter("kohya.safetensors")).unwrap();
    let merged = |scales: &[f64]| {
        let merge = |weights: Weights, &scale: &f64| weights.with_lora(&lora, Part::UNet, scale).unwrap();
        stored(&scales.iter().fold(model("text-box", "unet"), merge), "")
    };
    let (once, twice, none) = (merged(&[1.0]), merged(&[0.25, 0.75]), merged(&[1.0, -1.0]));
    let before = stored(&model("text-box", "unet"), "");
    for (key, numbers) in once {
        assert!(relative_error(&twice[&key], &numbers) < 1e-6, "{key}");
        assert!(relative_error(&none[&key], &before[&key]) < 1e-6, "{key}");
    }
}

/// The text encoder of an older checkpoint, whose names have a prefix, from a pickle.
#[test]
fn the_base_may_have_names_of_its_own() {
    let lora = Lora::open(&adapter("kohya.safetensors")).unwrap();
    let base = model("text-box-linear", "text_encoder");
    let merged = model("text-box-linear", "text_encoder").with_lora(&lora, Part::TextEncoder, 1.0).unwrap();
    let key = "text_model.encoder.layers.1.mlp.fc1.weight";
    assert!(relative_error(&base.numbers(key).unwrap(), &merged.numbers(key).unwrap()) > 0.01);
}

#[test]
fn layers_may_have_the_names_of_the_original_repositories() {
    let base = model("text-box", "unet");
    let names = Names::unet(base.tensors().map(|(key, _)| key));
    let flat = |name: &str| name.replace('.', "_");
    let originals: BTreeMap<String, String> = base
        .tensors()
        .filter_map(|(key, _)| {
            let layer = key.strip_suffix(".weight")?;
            Some((
                format!("lora_unet_{}", flat(layer)),
                format!("lora_unet_{}", flat(&names.to_original(layer)?)),
            ))
        })
        .collect();
    let kohya = Weights::open(&adapter("kohya.safetensors")).unwrap();
    let renamed: Vec<(String, &str)> = kohya
        .tensors()
        .filter(|(key, _)| key.starts_with("lora_unet_"))
        .map(|(key, _)| {
            let (layer, role) = key.split_once('.').unwrap();
            (format!("{}.{role}", originals[layer]), key)
        })
        .collect();
    assert!(renamed.iter().any(|(key, _)| key.contains("_transformer_blocks_0_attn1_to_q.")));
    assert!(renamed.iter().all(|(key, _)| !key.contains("_attentions_") && !key.contains("_resnets_")));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lora.safetensors");
    let shape = |key: &str| kohya.tensors().find(|(found, _)| *found == key).unwrap().1.shape.clone();
    let announced: Vec<_> = renamed.iter().map(|(new, old)| (new, Dtype::F32, shape(old))).collect();
    let mut writer = SafetensorsWriter::create(&path, &announced, &BTreeMap::new()).unwrap();
    for (_, old) in &renamed {
        let numbers = kohya.numbers(old).unwrap();
        writer.write(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap();
    let merged = |path: &Path| {
        let lora = Lora::open(path).unwrap();
        stored(&model("text-box", "unet").with_lora(&lora, Part::UNet, SCALE).unwrap(), "")
    };
    assert_eq!(merged(&path), merged(&adapter("kohya.safetensors")));
}

/// The sum that a core stands for, written out in f64.
#[test]
fn a_core_has_the_kernel_in_the_place_of_the_right_factor() {
    const RANK: usize = 3;
    const ALPHA: f32 = 2.0;
    let layer = "down_blocks.0.resnets.0.conv1";
    let base = model("text-box", "unet");
    let weight = format!("{layer}.weight");
    let shape = base.tensors().find(|(key, _)| *key == weight).unwrap().1.shape.clone();
    let &[outputs, inputs, height, width] = shape.as_slice() else { panic!("{shape:?}") };
    let kernel = height * width;
    let numbers = |count: usize, from: usize| -> Vec<f32> {
        (from..from + count).map(|index| ((index * 37 % 101) as f32 - 50.0) / 50.0).collect()
    };
    let (up, core, down) =
        (numbers(outputs * RANK, 0), numbers(RANK * RANK * kernel, 7), numbers(RANK * inputs, 13));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locon.safetensors");
    let name = |role: &str| format!("lora_unet_{}.{role}", layer.replace('.', "_"));
    let tensors = [
        (name("lora_up.weight"), vec![outputs, RANK, 1, 1], up.clone()),
        (name("lora_mid.weight"), vec![RANK, RANK, height, width], core.clone()),
        (name("lora_down.weight"), vec![RANK, inputs, 1, 1], down.clone()),
        (name("alpha"), vec![], vec![ALPHA]),
    ];
    let announced: Vec<_> = tensors.iter().map(|(key, shape, _)| (key, Dtype::F32, shape.clone())).collect();
    let mut writer = SafetensorsWriter::create(&path, &announced, &BTreeMap::new()).unwrap();
    for (_, _, numbers) in &tensors {
        writer.write(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap();

    let mut expected = base.numbers(&weight).unwrap();
    for (index, weight) in expected.iter_mut().enumerate() {
        let (output, input, place) = (index / kernel / inputs, index / kernel % inputs, index % kernel);
        let ranks = (0..RANK).flat_map(|left| (0..RANK).map(move |right| (left, right)));
        let terms = ranks.map(|(left, right)| {
            let core = core[(left * RANK + right) * kernel + place];
            f64::from(up[output * RANK + left]) * f64::from(core) * f64::from(down[right * inputs + input])
        });
        let change = terms.sum::<f64>() * SCALE * f64::from(ALPHA) / RANK as f64;
        *weight = (f64::from(*weight) + change) as f32;
    }
    let lora = Lora::open(&path).unwrap();
    let merged = model("text-box", "unet").with_lora(&lora, Part::UNet, SCALE).unwrap();
    let error = relative_error(&merged.numbers(&weight).unwrap(), &expected);
    println!("relative error {error:.1e}");
    assert!(error <= 1e-6, "relative error {error:.1e}");
    assert!(relative_error(&base.numbers(&weight).unwrap(), &expected) > 0.01);
}

/// Writes tensors of ones and the rest of zeros, whose numbers do not matter.
fn write(path: &Path, tensors: &[(&str, &[usize])]) {
    let announced: Vec<_> = tensors.iter().map(|(key, shape)| (*key, Dtype::F32, shape.to_vec())).collect();
    let mut writer = SafetensorsWriter::create(path, &announced, &BTreeMap::new()).unwrap();
    for (_, shape) in tensors {
        writer.write(&vec![0; 4 * shape.iter().product::<usize>()]).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lora.safetensors");
    let told = |tensors: &[(&str, &[usize])]| {
        write(&path, tensors);
        let merged =
            Lora::open(&path).and_then(|lora| model("text-box", "unet").with_lora(&lora, Part::UNet, 1.0));
        text(merged.unwrap_err(), folder.path())
    };
    let q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    let (a, b) = (&*format!("unet.{q}.lora_A.weight"), &*format!("unet.{q}.lora_B.weight"));
    let fits: [(&str, &[usize]); 2] = [(a, &[2, 8]), (b, &[8, 2])];
    insta::assert_snapshot!("other_names", told(&[&fits[..], &[("conv_in.weight", &[8])]].concat()));
    insta::assert_snapshot!("dora", told(&[&fits[..], &[("lora_unet_conv_in.dora_scale", &[8])]].concat()));
    insta::assert_snapshot!("sdxl", told(&[("lora_te2_text_projection.lora_down.weight", &[2, 8])]));
    insta::assert_snapshot!("twice", {
        let again = format!("unet.{q}.lora.down.weight");
        told(&[&fits[..], &[(&again, &[2, 8])]].concat())
    });
    insta::assert_snapshot!("half", told(&fits[..1]));
    insta::assert_snapshot!("alpha_alone", told(&[&fits[..], &[("lora_unet_conv_in.alpha", &[])]].concat()));
    insta::assert_snapshot!("alpha_of_two", {
        let alpha = format!("unet.{q}.alpha");
        told(&[&fits[..], &[(&alpha, &[2])]].concat())
    });
    insta::assert_snapshot!("no_such_layers", {
        let names: Vec<_> = (2..9).map(|block| format!("lora_unet_down_blocks_{block}_conv")).collect();
        let pairs = names
            .iter()
            .flat_map(|name| [format!("{name}.lora_down.weight"), format!("{name}.lora_up.weight")]);
        let pairs: Vec<_> = pairs.collect();
        told(&pairs.iter().map(|name| (name.as_str(), &[2, 2][..])).collect::<Vec<_>>())
    });
    insta::assert_snapshot!("wider", told(&[(a, &[2, 16]), (b, &[8, 2])]));
    insta::assert_snapshot!("ranks", told(&[(a, &[2, 8]), (b, &[8, 3])]));
    let conv = |role: &str| format!("lora_unet_down_blocks_0_resnets_0_conv1.{role}.weight");
    let (up, core, down) = (&*conv("lora_up"), &*conv("lora_mid"), &*conv("lora_down"));
    let cored: [(&str, &[usize]); 3] = [(up, &[8, 2, 1, 1]), (core, &[2, 3, 3, 3]), (down, &[2, 8, 1, 1])];
    insta::assert_snapshot!("core", told(&cored));
    insta::assert_snapshot!(
        "core_and_kernel",
        told(&[cored[0], (core, &[2, 2, 3, 3]), (down, &[2, 8, 3, 3])])
    );
    insta::assert_snapshot!("core_alone", told(&cored[1..2]));
    insta::assert_snapshot!("no_axes", told(&[(a, &[]), (b, &[])]));
}

#[test]
fn what_is_refused_of_configurations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adapter_model.safetensors");
    std::fs::copy(adapter("peft/adapter_model.safetensors"), &path).unwrap();
    let told = || text(Lora::open(&path).unwrap_err(), folder.path());
    insta::assert_snapshot!("no_config", told());
    let config = std::fs::read_to_string(adapter("peft/adapter_config.json")).unwrap();
    for (name, from, to) in [
        ("use_dora", "\"use_dora\": false", "\"use_dora\": true"),
        ("other_kind", "\"LORA\"", "\"LOHA\""),
        ("pattern", "\"to_q\": 5", "\"^to_[qk]\": 5"),
        ("no_alpha", "\"lora_alpha\": 3,", ""),
        ("alpha_text", "\"lora_alpha\": 3", "\"lora_alpha\": \"3\""),
        ("no_json", "{", "["),
    ] {
        let changed = config.replacen(from, to, 1);
        assert_ne!(changed, config, "{name}");
        std::fs::write(folder.path().join("adapter_config.json"), changed).unwrap();
        insta::assert_snapshot!(name, told());
    }
}

/// The error with its hint, without the folder's name.
fn text(error: LoraError, folder: &Path) -> String {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error}{hint}").replace(&format!("{}/", folder.display()), "")
}
