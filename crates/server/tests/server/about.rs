//! What the server says of itself.

use gligen_server::{ModelInfo, Options};

use crate::client::start;

#[test]
fn it_says_what_it_is_and_can() {
    let model = ModelInfo { name: "small".into(), things: vec!["a cat".into()], ..ModelInfo::default() };
    let server = start(Options { model, ..Options::default() });
    assert_eq!(server.get("/v1/models").json()["data"][0]["id"], "small");
    let schedulers = server.get("/v1/schedulers").json();
    assert_eq!(schedulers["default"], "pndm");
    assert!(schedulers["data"].as_array().unwrap().iter().any(|scheduler| scheduler["name"] == "euler"));
    let capabilities = server.get("/v1/capabilities").json();
    assert_eq!(capabilities["model"]["things"][0], "a cat");
    assert_eq!(capabilities["defaults"]["width"], 128);
    assert_eq!(capabilities["defaults"]["steps"], 30);
    assert_eq!(capabilities["features"]["inpaint_modes"][0], "blend");
    assert_eq!(capabilities["features"]["previews"], true);
    assert_eq!(server.get("/healthz").text(), "ok\n");
    assert_eq!(server.get("/readyz").text(), "ready\n");
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(metrics.text().ends_with("# EOF\n"));
}

#[test]
fn the_page_comes_with_all_its_parts() {
    let server = start(Options::default());
    let page = server.get("/");
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let mut to_read = vec![page.text()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(text) = to_read.pop() {
        // Addresses in HTML, and modules that modules import.
        for name in
            text.split(['"', '\'']).filter_map(|part| part.strip_prefix("/page/").or(part.strip_prefix("./")))
        {
            if seen.insert(name.to_string()) {
                let part = server.get(&format!("/page/{name}"));
                assert_eq!(part.status, 200, "{name}");
                to_read.push(part.text());
            }
        }
    }
    assert!(seen.contains("style.css") && seen.contains("canvas.js"), "{seen:?}");
}
