//! Devices by their names, and the words for those that cannot be had.

use gligen_kernels::device::{DeviceError, NAMES, built_in, parse};

#[test]
fn names_that_are_none() {
    let names = [
        "",
        "gpu",
        "Flex",
        "flex ",
        "gpu:1",
        "flex:0",
        "ndarray:x",
        "cuda:",
        "cuda:-1",
        "cuda:70000",
        "vulkan:1:2",
    ];
    let lines = names.map(|name| format!("{name:?}: {}", parse(name).expect_err("refused")));
    insta::assert_snapshot!("names", lines.join("\n"));
}

#[test]
fn an_absent_backend_names_its_feature() {
    let missing: Vec<&str> = NAMES.into_iter().filter(|name| !built_in().contains(name)).collect();
    for &name in &missing {
        for device in [name.to_string(), format!("{name}:1")] {
            let error = parse(&device).expect_err("not built");
            assert_eq!(error, DeviceError::NotBuilt(name.into()));
            assert!(error.to_string().ends_with(&format!("build it with `--features {name}`")), "{error}");
        }
    }
    if missing.contains(&"cuda") {
        insta::assert_snapshot!("not_built", parse("cuda").expect_err("not built"));
    }
}

#[test]
fn a_refusal_says_which_device_and_why() {
    let error = DeviceError::Unavailable { device: "cuda:3".into(), reason: "no such device".into() };
    insta::assert_snapshot!("unavailable", error);
}

#[test]
fn the_built_in_backends_of_a_cpu_are_there() {
    assert_eq!(built_in()[..2], ["flex", "ndarray"]);
    let [flex, ndarray] = ["flex", "ndarray"].map(|name| parse(name).expect("a CPU backend"));
    assert_ne!(flex, ndarray);
}
