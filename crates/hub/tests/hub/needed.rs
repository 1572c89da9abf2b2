//! Only what a model needs is fetched.

use std::fs;

use crate::place::{MODEL, Place, model, paths, weights};

/// What [`Place`] fetches of a repository with these files beside those of the least model, without `replaced`.
fn fetched(more: &[&'static str], without: &[&str]) -> Vec<String> {
    let place = Place::new();
    let mut files = model();
    files.retain(|(path, _)| !without.contains(path));
    files.extend(more.iter().zip(10..).map(|(path, seed)| (*path, weights(seed, 5_000))));
    place.server.commit(MODEL, "main", files);
    paths(&place.model(MODEL).unwrap())
}

fn least() -> Vec<String> {
    model().into_iter().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn what_the_networks_do_not_read_stays_there() {
    let more = [
        "README.md",
        "gligen.ckpt",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/flax_model.msgpack",
        "text_encoder/pytorch_model.bin",
        "image_encoder/config.json", // a config alone is no part
        "assets/deep/in/a/folder.png",
    ];
    assert_eq!(fetched(&more, &[]), least());
}

#[test]
fn parts_that_only_some_models_have() {
    let more = [
        "image_encoder/config.json",
        "image_encoder/model.safetensors",
        "image_project/config.json",
        "image_project/diffusion_pytorch_model.bin",
        "safety_checker/config.json",
        "safety_checker/pytorch_model.bin",
        "feature_extractor/preprocessor_config.json",
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
    ];
    let mut expected = least();
    expected.extend(more.map(String::from));
    expected.sort();
    assert_eq!(fetched(&more, &[]), expected);
}

#[test]
fn weights_in_the_form_that_is_opened_first() {
    let safetensors = "unet/diffusion_pytorch_model.safetensors";
    let unet = |more: &[&'static str]| {
        let fetched = fetched(more, &[safetensors]);
        fetched.into_iter().filter(|path| path.starts_with("unet/d")).collect::<Vec<_>>()
    };
    let (bin, half) = ("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors");
    assert_eq!(unet(&[bin, half]), [bin]);
    assert_eq!(unet(&[half, "unet/diffusion_pytorch_model.fp16.bin"]), [half]);
}

#[test]
fn a_tokenizer_in_one_file() {
    let files = fetched(&["tokenizer/tokenizer.json"], &["tokenizer/merges.txt", "tokenizer/vocab.json"]);
    assert!(files.contains(&"tokenizer/tokenizer.json".to_string()));
}

#[test]
fn all_the_files_that_an_index_names() {
    let place = Place::new();
    let (index, shards) = (
        "unet/diffusion_pytorch_model.safetensors.index.json",
        ["unet/diffusion_pytorch_model-00001-of-00002.safetensors", "unet/second.safetensors"],
    );
    let mut files = model();
    files.retain(|(path, _)| !path.starts_with("unet/d"));
    let text = r#"{"weight_map": {"a": "diffusion_pytorch_model-00001-of-00002.safetensors",
        "b": "second.safetensors", "c": "second.safetensors"}}"#;
    files.push((index, text.into()));
    files.push(("unet/third.safetensors", weights(7, 5_000)));
    files.extend(shards.map(|path| (path, weights(path.len() as u8, 6_000))));
    place.server.commit(MODEL, "main", files);
    let folder = place.model(MODEL).unwrap();
    let unet: Vec<_> = paths(&folder).into_iter().filter(|path| path.starts_with("unet/")).collect();
    assert_eq!(unet, ["unet/config.json", shards[0], index, shards[1]]);

    // A snapshot that lacks one of them is not whole.
    place.lines();
    place.model(MODEL).unwrap();
    assert_eq!(place.lines(), [""; 0]);
    fs::remove_file(folder.join(shards[1])).unwrap();
    place.model(MODEL).unwrap();
    assert!(folder.join(shards[1]).is_file());
}

#[test]
fn single_files_by_their_names() {
    let place = Place::new();
    let adapter = weights(1, 10_000);
    place.server.commit(
        MODEL,
        "main",
        [("a/gligen.safetensors", adapter.clone()), ("README.md", vec![0; 10])],
    );
    let files = ["a/gligen.safetensors".to_string()];
    let paths = place.hub().pull_files(&MODEL.parse().unwrap(), &files, &mut crate::place::go_on).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), adapter);
    assert_eq!(place.blobs().len(), 1);
}
