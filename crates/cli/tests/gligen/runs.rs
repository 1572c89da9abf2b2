//! The stored runs of the reference, repeated by the program as a user would with `--compat diffusers`.
//!
//! The numbers are those of `tests/runs.rs`; this is about the flags. Only a layout file can say how much a phrase or a
//! picture counts.

use std::path::{Path, PathBuf};

use gligen_testkit::{Fixture, relative_error};
use gligen_tests::{Case, ModelFolder, pictures as pictures_folder};
use safetensors::SafeTensors;

use crate::program::Program;

#[test]
fn every_stored_run_comes_out_of_the_program() {
    let stored = Fixture::open("runs");
    let program = Program::new();
    for case in Case::all().into_iter().filter(|case| case.phrases_mask.is_none()) {
        let model = ModelFolder::of(&case.model);
        let (picture, latents) = (format!("{}.png", case.name), format!("{}.safetensors", case.name));
        let output = program
            .command(&["generate", "--quiet", "--compat", "diffusers"])
            .args(["--output", &picture, "--save-latents", &latents])
            .args(flags(&case, model.path()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));

        let error = relative_error(
            &read_latents(&program.path(&latents)),
            &stored.floats(&format!("{}/latents", case.name)),
        );
        assert!(error <= 1e-4, "{}: relative error {error:.1e}", case.name);

        let bytes: Vec<u8> = pictures(&program.path(&picture), case.prompts.len() * case.num_images)
            .iter()
            .flat_map(|path| image::open(path).unwrap().into_rgb8().into_raw())
            .collect();
        let expected = stored.bytes(&format!("{}/pictures", case.name));
        assert_eq!(bytes.len(), expected.len(), "{}", case.name);
        let worst = bytes.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 1, "{}: a byte differs by {worst}", case.name);
    }
}

fn flags(case: &Case, model: &Path) -> Vec<String> {
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: String| flags.extend([format!("--{name}"), value]);
    for prompt in &case.prompts {
        flag("prompt", prompt.clone());
    }
    for prompt in case.negative_prompts.iter().flatten() {
        flag("negative-prompt", prompt.clone());
    }
    if case.model != "tiny-gligen" {
        flag("model", model.display().to_string());
    }
    for (index, [x0, y0, x1, y1]) in case.boxes.iter().enumerate() {
        flag("phrase", case.phrases[index].clone().unwrap_or("-".into()));
        flag("box", format!("{x0},{y0},{x1},{y1}"));
        if case.images.is_some() {
            let file = |name| pictures_folder().join(name).display().to_string();
            flag("image", case.image(index).map_or("-".into(), file));
        }
    }
    if let Some(name) = &case.inpaint_image {
        flag("inpaint-image", pictures_folder().join(name).display().to_string());
    }
    flag("scheduler", case.scheduler.clone());
    flag("steps", case.steps.to_string());
    flag("guidance-scale", case.guidance_scale.to_string());
    flag("scheduled-sampling-beta", case.beta.to_string());
    flag("eta", case.eta.to_string());
    flag("clip-skip", case.clip_skip.unwrap_or(0).to_string());
    flag("seed", case.seed.to_string());
    flag("width", case.width.to_string());
    flag("height", case.height.to_string());
    flag("num-images", case.num_images.to_string());
    flags
}

fn read_latents(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("latents").unwrap();
    view.data().as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
}

/// Where the program puts `count` pictures whose output is `path`.
fn pictures(path: &Path, count: usize) -> Vec<PathBuf> {
    match count {
        1 => vec![path.to_owned()],
        _ => (0..count)
            .map(|index| path.with_file_name(format!("{}-{index}.png", path.file_stem().unwrap().display())))
            .collect(),
    }
}
