//! LoRA files and textual inversions at the shell.

use gligen_testkit::{Fixture, fixtures, relative_error};

use crate::program::{Program, text};

fn adapter(name: &str) -> String {
    fixtures().join("adapters").join(name).display().to_string()
}

/// What `tests/adapters.rs` compares through the library, through the program.
#[test]
fn flags_do_what_the_library_does() {
    let program = Program::new();
    let model = fixtures().join("models/text-box").display().to_string();
    let (kohya, diffusers) = (adapter("kohya.safetensors:0.7"), adapter("diffusers.safetensors:0.7"));
    let (blob, many) = (adapter("blob.safetensors"), adapter("many.bin:<lots>"));
    let style = adapter("a1111-style.pt");
    let args = [
        &["generate", "--quiet", "--model", &model, "--lora", &kohya, "--lora", &diffusers][..],
        &["--embedding", &blob, "--embedding", &many, "--embedding", &style],
        &["--prompt", "<blob> and <lots> on a table", "--phrase", "<lots>", "--box", "0.1,0.2,0.6,0.9"],
        &["--steps", "3", "--guidance-scale", "4", "--scheduled-sampling-beta", "1", "--scheduler", "ddim"],
        &["--width", "128", "--height", "128", "--seed", "11", "--compat", "diffusers"],
        &["--save-latents", "latents.safetensors", "--output", "blob.png"],
    ];
    let output = program.run(&args.concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let bytes = std::fs::read(program.path("latents.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let found = file.tensor("latents").unwrap().data().as_chunks().0;
    let found: Vec<f32> = found.iter().map(|&four| f32::from_le_bytes(four)).collect();
    let error = relative_error(&found, &Fixture::open("adapters/expected").floats("run/latents"));
    assert!(error <= 1e-4, "relative error {error:.1e}");

    // The picture names its files, too.
    let again =
        program.run(&["generate", "--quiet", "--model", &model, "--layout", "blob.png", "--output", "2.png"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let [first, second] = ["blob.png", "2.png"].map(|name| std::fs::read(program.path(name)).unwrap());
    assert!(first == second, "drawn again, it is another picture");
}

#[test]
fn what_is_refused() {
    let refused = |name: &str, args: &[&str]| {
        let program = Program::new();
        let told = program.told(&[&["generate", "--prompt", "a cat", "--seed", "1"], args].concat());
        insta::assert_snapshot!(name, told.replace(&format!("{}/", fixtures().display()), ""));
        assert_eq!(program.files(), [""; 0], "{name}");
    };
    refused("lora_no_such_file", &["--lora", "none.safetensors:0.5"]);
    refused("lora_scale", &["--lora", &adapter("kohya.safetensors:much")]);
    refused("lora_of_another_model", &["--lora", &adapter("kohya.safetensors")]);
    refused("lora_is_an_embedding", &["--lora", &adapter("blob.safetensors")]);
    refused("embedding_of_another_model", &["--embedding", &adapter("blob.safetensors")]);
    refused("embedding_no_word", &["--embedding", &adapter("blob.safetensors:")]);
}
