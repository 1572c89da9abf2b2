//! Indices that point elsewhere, and folders with something else in place of files.

use std::path::Path;

use gligen_testkit::fixtures;
use gligen_weights::Weights;

use crate::tell;

#[test]
fn names_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors.index.json");
    std::fs::copy(fixtures().join("weights/plain.safetensors"), folder.path().join("whole.safetensors"))
        .unwrap();
    let of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!("{text}\n    {}\n", within(folder.path(), &tell(Weights::open(&path))))
    };
    let shard = |name: &str| of(&format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#));
    let text = [
        shard("../model.safetensors"),
        shard("/etc/passwd"),
        shard("..\\\\model.safetensors"),
        shard("C:model.safetensors"),
        shard(".."),
        shard("."),
        shard(""),
        shard("a\\u0000b"),
        shard("absent.safetensors"),
        shard("model.safetensors.index.json"),
        shard("whole.safetensors"),
        of(r#"{"weight_map":{"half":"whole.safetensors"}}"#),
        of(r#"{"weight_map":{"a":"x","a":"y"}}"#),
        of(r#"{"weight_map":{"a":"x"},"weight_map":{}}"#),
        of(r#"{"weight_map":{"a":["x"]}}"#),
        of(r#"{"weight_map":{}}"#),
        of("[]"),
        of(""),
    ];
    insta::assert_snapshot!(text.concat());
}

/// The folders of the hub's cache are made of links; what they lead to must be a file.
#[test]
#[cfg(unix)]
fn links_and_pipes() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let index = at("model.safetensors.index.json");
    let open = || within(folder.path(), &tell(Weights::open(&index)));
    std::fs::write(&index, r#"{"weight_map":{"scale":"shard.safetensors"}}"#).unwrap();

    let mut text = Vec::new();
    for (name, target) in
        [("to a folder", "/"), ("to a device", "/dev/zero"), ("to itself", "shard.safetensors")]
    {
        symlink(target, at("shard.safetensors")).unwrap();
        text.push(format!("{name}\n    {}", open()));
        std::fs::remove_file(at("shard.safetensors")).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(at("pipe.bin")).status().unwrap().success());
    text.push(format!("a pipe\n    {}", within(folder.path(), &tell(Weights::open(&at("pipe.bin"))))));
    symlink(at("pipe.bin"), at("pipe.index.json")).unwrap();
    text.push(format!(
        "an index that is a pipe\n    {}",
        within(folder.path(), &tell(Weights::open(&at("pipe.index.json"))))
    ));
    std::fs::write(&index, r#"{"weight_map":{"scale":"pipe.bin"}}"#).unwrap();
    text.push(format!("a shard that is a pipe\n    {}", open()));
    symlink(fixtures().join("weights/plain.safetensors"), at("linked.safetensors")).unwrap();
    assert!(Weights::open(&at("linked.safetensors")).is_ok());
    insta::assert_snapshot!(text.join("\n"));
}

/// `text` without the name of the folder.
fn within(folder: &Path, text: &str) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}
