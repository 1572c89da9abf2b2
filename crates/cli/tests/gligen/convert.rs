//! `gligen convert`, and `gligen inspect` of what it reads and writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gligen_testkit::fixtures;
use gligen_weights::{SafetensorsWriter, Weights};

use crate::program::{CAT, Program, text};

fn model(name: &str) -> PathBuf {
    fixtures().join("models").join(name)
}

fn layout(name: &str) -> PathBuf {
    fixtures().join("weights/layouts").join(name)
}

/// What the program says, without the place of the fixtures and without times.
fn told(program: &Program, args: &[&str]) -> String {
    let told = program.told(args).replace(&format!("{}/", fixtures().display()), "");
    let lines = told.lines().map(|line| match line.strip_prefix("written and read back in ") {
        Some(_) => "written and read back in N s",
        None => line,
    });
    // Between them, lines of progress.
    let lines: Vec<_> = lines.filter(|line| !line.contains(" left")).collect();
    lines.join("\n")
}

fn convert(program: &Program, input: &Path, output: &str, args: &[&str]) {
    let args = [&["convert", input.to_str().unwrap(), output, "--quiet"], args].concat();
    let output = program.run(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

fn draw(program: &Program, model: &Path, args: &[&str]) -> Vec<u8> {
    let model = model.to_str().unwrap();
    let common = ["--seed", "1", "--no-metadata", "--model", model, "--output", "-"];
    let output = program.run(&[&["generate", "--steps", "1"], &CAT[..], &common, args].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    output.stdout
}

#[test]
fn every_layout_is_inspected() {
    let program = Program::new();
    for name in
        ["diffusers", "training.pth", "single_file.safetensors", "adapter.safetensors", "diffusers/vae"]
    {
        let snapshot = format!("inspect_{}", name.replace(['/', '.'], "_"));
        insta::assert_snapshot!(snapshot, told(&program, &["inspect", layout(name).to_str().unwrap()]));
    }
    let output = program.run(&["inspect", layout("adapter.safetensors").to_str().unwrap(), "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["layout"], "adapter");
    assert_eq!(value["names"], "original");
    assert_eq!(value["kind"], "text-box");
    assert_eq!(value["missing"][0]["what"], "a base");
    assert_eq!(value["gates"].as_array().unwrap().len(), 4);
}

#[test]
fn what_was_done_is_told() {
    let program = Program::new();
    let input = layout("training.pth");
    let args =
        ["convert", input.to_str().unwrap(), "out.safetensors", "--to", "single-file", "--dtype", "f16"];
    insta::assert_snapshot!("convert", told(&program, &args));
    insta::assert_snapshot!("inspect_converted", told(&program, &["inspect", "out.safetensors"]));
    assert_eq!(program.files(), ["out.safetensors"]);
    let args = ["convert", "out.safetensors", "adapter", "--to", "adapter", "--json", "--quiet"];
    let value: serde_json::Value = serde_json::from_slice(&program.run(&args).stdout).unwrap();
    assert_eq!(value["output"], "adapter");
    assert_eq!(value["files"][0]["tensors"], 76);
}

#[test]
fn what_cannot_be_done_is_told() {
    let program = Program::new();
    let (unet, adapter) = (layout("diffusers/unet"), layout("adapter.safetensors"));
    let (unet, adapter) = (unet.to_str().unwrap(), adapter.to_str().unwrap());
    fs::write(program.path("taken"), "").unwrap();
    let refused = [
        told(&program, &["convert", unet, "out", "--to", "single-file"]),
        told(&program, &["convert", unet, "out", "--to", "diffusers"]),
        told(&program, &["convert", unet, "taken", "--to", "adapter"]),
        told(&program, &["convert", unet, "no/where", "--to", "adapter"]),
        told(&program, &["convert", unet, "out", "--to", "adapter", "--shard-size", "1GB"]),
        told(&program, &["convert", unet, "out", "--to", "adapter", "--shard-size", "many"]),
        told(&program, &["convert", unet, "out", "--to", "adapter", "--gligen", adapter]),
        told(&program, &["convert", adapter, "out", "--to", "diffusers"]),
        told(&program, &["convert", "nothing", "out", "--to", "diffusers"]),
        told(&program, &["convert", unet, "out", "--to", "onnx"]),
    ];
    insta::assert_snapshot!("convert_refused", refused.join("\n\n"));
    assert_eq!(program.files(), ["taken"]);
}

/// Pickles or safetensors, one file or many, old names or new: the same picture.
#[test]
fn the_picture_stays_the_same() {
    let program = Program::new();
    for name in ["text-box", "text-box-linear"] {
        let picture = draw(&program, &model(name), &[]);
        let wide = format!("{name}-f32");
        convert(&program, &model(name), &wide, &["--to", "diffusers", "--dtype", "f32"]);
        assert!(draw(&program, &program.path(&wide), &[]) == picture, "{name}: wide");
        let sharded = format!("{name}-sharded");
        convert(&program, &model(name), &sharded, &["--to", "diffusers", "--shard-size", "100kB"]);
        assert!(program.path(&sharded).join("unet/diffusion_pytorch_model.safetensors.index.json").exists());
        assert!(draw(&program, &program.path(&sharded), &[]) == picture, "{name}: sharded");
    }
}

/// What `cargo xtask convert-weights` runs, on the model that was really trained.
#[test]
fn the_trained_model_draws_as_before() {
    let program = Program::new();
    let tiny = fixtures().join("tiny-gligen");
    let picture = draw(&program, &tiny, &[]);
    convert(&program, &tiny, "sharded", &["--to", "diffusers", "--shard-size", "5MB"]);
    assert!(program.path("sharded/unet/diffusion_pytorch_model.safetensors.index.json").exists());
    assert!(draw(&program, &program.path("sharded"), &[]) == picture);
    convert(&program, &program.path("sharded"), "again", &["--to", "diffusers", "--dtype", "f32"]);
    assert!(draw(&program, &program.path("again"), &[]) == picture);
    convert(&program, &tiny, "adapter.safetensors", &["--to", "adapter"]);
    let told = program.told(&["inspect", "adapter.safetensors"]);
    assert!(told.contains("adapter.safetensors: GLIGEN, text boxes"), "{told}");
}

/// An adapter on a base is the model that the adapter was taken from.
#[test]
fn an_adapter_is_taken_and_put_on() {
    let program = Program::new();
    let whole = model("text-box");
    convert(&program, &whole, "adapter.safetensors", &["--to", "adapter"]);
    convert(&program, &whole, "base", &["--to", "diffusers"]);
    let unet = program.path("base/unet/diffusion_pytorch_model.safetensors");
    let without = without_grounding(&unet);
    fs::remove_file(&unet).unwrap();
    fs::rename(without, &unet).unwrap();
    let config = fs::read_to_string(whole.join("unet/config.json")).unwrap();
    let plain = config.replace(r#""attention_type": "gated""#, r#""attention_type": "default""#);
    assert_ne!(plain, config);
    fs::write(program.path("base/unet/config.json"), plain).unwrap();

    let told = program.told(&["inspect", "base"]);
    assert!(told.contains("base: Stable Diffusion without objects"), "{told}");
    let args = ["--to", "diffusers", "--gligen", "adapter.safetensors"];
    convert(&program, &program.path("base"), "both", &args);
    let picture = draw(&program, &whole, &[]);
    assert!(draw(&program, &program.path("both"), &[]) == picture);
    // Without a copy as well.
    assert!(draw(&program, &program.path("base"), &["--gligen", "adapter.safetensors"]) == picture);
}

/// A file beside `unet` with its tensors but those that GLIGEN adds.
fn without_grounding(unet: &Path) -> PathBuf {
    let path = unet.with_file_name("plain.safetensors");
    let weights = Weights::open(unet).unwrap();
    let kept =
        || weights.tensors().filter(|(key, _)| !key.contains(".fuser.") && !key.starts_with("position_net."));
    let header: Vec<_> =
        kept().map(|(key, info)| (key, gligen_weights::Dtype::F32, info.shape.clone())).collect();
    let mut writer = SafetensorsWriter::create(&path, &header, &BTreeMap::new()).unwrap();
    for (key, _) in kept() {
        let numbers = weights.numbers(key).unwrap();
        writer.write(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap();
    path
}
