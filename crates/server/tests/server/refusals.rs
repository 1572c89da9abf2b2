//! Bad input: refused in words, and nothing lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_server::{Limits, Options};
use image::RgbImage;
use serde_json::{Value, json};

use crate::client::{Answer, PATIENCE, layout, start};
use crate::pictures::{form, png_of};

fn check(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(words), "`{detail}` does not say `{words}`");
}

/// The layout with another value for `key`.
fn with(key: &str, value: Value) -> Value {
    let mut layout = layout(2);
    layout[key] = value;
    layout
}

#[test]
fn layouts_that_cannot_be_drawn() {
    let server = start(Options::default());
    let post = |text: &str| server.ask("POST", "/v1/generate", &[], text.as_bytes());
    check(&post("{\"prompt\": "), 400, "not JSON");
    check(&post(""), 400, "not JSON");
    check(&post(&"[".repeat(100_000)), 400, "not JSON");
    check(&server.ask("POST", "/v1/generate", &[], b"\xff\xfe"), 400, "not JSON");
    check(&post("[1, 2]"), 422, "expected an object in braces");
    check(&post("{}"), 422, "missing field `prompt`");

    let misspelt = post(r#"{"promt": "a cat"}"#);
    check(&misspelt, 422, "unknown key `promt`");
    assert_eq!(misspelt.json()["hint"], "did you mean `prompt`?");
    assert_eq!(misspelt.json()["errors"][0]["pointer"], "/promt");

    let object = json!({"phrase": "a cat", "box": [0.1, 0.1, 0.5, 0.5]});
    for (key, value, words) in [
        ("width", json!(1_000_000_000), "`width`"),
        ("width", json!(4096), "`width`: expected at most 2048"),
        ("width", json!(-8), "`width`"),
        ("height", json!(100), "`height`: expected a multiple of 8"),
        ("steps", json!(1_000_000), "`steps`: expected at most 250"),
        ("steps", json!(0), "`steps`"),
        ("num_images", json!(17), "`num_images`: expected at most 16"),
        ("num_images", json!(u64::MAX), "`num_images`"),
        ("guidance_scale", json!("a lot"), "`guidance_scale`"),
        ("seed", json!(-2), "`seed`"),
        ("scheduler", json!("magic"), "`scheduler`"),
        ("eta", json!(2), "`eta`"),
        ("loras", json!([{"file": "/etc/passwd"}]), "`loras`: not those that this server was started with"),
        ("embeddings", json!([{"file": "../cat.pt"}]), "`embeddings`: not those"),
        ("prompt", json!(vec!["a"; 1000]), "`prompt`"),
        ("prompt", json!("a".repeat(20_000)), "`prompt`: expected at most 10000 characters"),
        ("objects", json!(vec![object.clone(); 1000]), "`objects`: expected at most 100"),
        ("objects", json!(vec![vec![object]; 1000]), "`objects`"),
        ("objects", json!([{"phrase": "a cat", "box": [0, 0, 500, 500]}]), "`objects[0].box`"),
        ("objects", json!([{"phrase": "x".repeat(20_000), "box": [0, 0, 1, 1]}]), "`phrase`"),
        ("inpaint_mode", json!("model"), "`inpaint_mode` without `inpaint_image`"),
    ] {
        check(&server.generate(&with(key, value)), 422, words);
    }
    let mut large = with("width", json!(2048));
    (large["height"], large["num_images"]) = (json!(2048), json!(4));
    check(&server.generate(&large), 422, "pixels in all pictures together");
    assert_eq!(server.generate(&layout(1)).status, 200);
}

#[test]
fn no_path_in_a_request_is_opened() {
    let server = start(Options::default());
    // A good picture of ours, to which a path would lead.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures/penguin.png");
    assert!(std::fs::exists(file).unwrap());
    let url = format!("file://{file}");
    let relative = "../../docs/pictures/penguin.png";
    for path in [
        file,
        &url,
        relative,
        "/etc/passwd",
        "/dev/zero",
        "https://example.org/a.png",
        "\\\\host\\a.png",
        "\0",
        "",
    ] {
        let inpaint = server.generate(&with("inpaint_image", json!(path)));
        check(&inpaint, 422, "`inpaint_image`");
        assert!(
            inpaint.text().contains("embedded picture") || inpaint.text().contains("expected a data URL")
        );
        let object = json!([{"image": path, "box": [0, 0, 1, 1]}]);
        check(&server.generate(&with("objects", object)), 422, "`objects[0].image`");
    }
}

#[test]
fn pictures_that_unpack_to_more_than_is_allowed() {
    let limits = Limits { picture_pixels: 64 * 64 * 2 - 1, ..Limits::default() };
    let server = start(Options { limits, ..Options::default() });
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(64, 64).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let picture = json!(format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())));
    let mut request = with("inpaint_image", picture.clone());
    request["inpaint_mode"] = json!("blend");
    assert_eq!(server.generate(&request).status, 200);
    // Each is small enough, both together are not.
    request["inpaint_mask"] = picture;
    check(
        &server.generate(&request),
        422,
        "`inpaint_mask`: the embedded picture: 64×64 pixels; at most 4095 in all",
    );
}

#[test]
fn bodies_that_are_too_large_too_slow_or_of_another_kind() {
    let limits = Limits { body_bytes: 10_000, ..Limits::default() };
    let server = start(Options { limits, request_timeout: Duration::from_millis(300), ..Options::default() });
    let post = |headers: &[&str], body: &[u8]| server.ask("POST", "/v1/generate", headers, body);
    // Refused by what the head says; not a byte of the body is sent.
    check(&post(&["Content-Length: 1000000000"], b""), 413, "more than 10000 bytes");
    let chunk = format!("4e20\r\n{}\r\n0\r\n\r\n", " ".repeat(20_000));
    check(&post(&["Transfer-Encoding: chunked"], chunk.as_bytes()), 413, "more than 10000 bytes");
    check(&post(&["Content-Length: 100"], b"{"), 408, "did not arrive");
    let typed = post(&["Content-Type: application/x-www-form-urlencoded"], b"{}");
    check(&typed, 415, "expected `application/json`");
    assert_eq!(
        post(&["Content-Type: application/json; charset=utf-8"], layout(1).to_string().as_bytes()).status,
        200
    );
}

/// One gives the head of its request byte by byte, one begins none, one begins no second one.
#[test]
fn connections_that_dawdle_are_closed() {
    let server = start(Options { head_timeout: Duration::from_millis(300), ..Options::default() });
    let connect = || {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let mut silent = connect();
    let mut idle = connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();

    let mut slow = connect();
    let head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x'));
    let start = Instant::now();
    for byte in head {
        // Once it is closed, a write fails: at once, or after the one that is told so.
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }

    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "");
    idle.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"ok\n"));
    assert_eq!(server.get("/healthz").status, 200);
}

/// In every place for a picture, in every dialect.
#[test]
fn a_picture_that_claims_to_be_huge_is_refused_by_its_header() {
    let server = start(Options::default());
    let file = std::fs::read(gligen_testkit::fixtures().join("picture_files/huge.png")).unwrap();
    assert!(file.len() < 10_000);
    let huge = STANDARD.encode(&file);
    let small = png_of(&RgbImage::new(128, 128));
    let good = STANDARD.encode(&small);
    let object = json!([{"image": huge, "box": [0, 0, 1, 1]}]);
    let words = "100000×100000 pixels; at most";
    check(&server.generate(&with("inpaint_image", json!(huge))), 422, words);
    check(&server.generate(&with("objects", object)), 422, words);
    for (image, mask, invert) in [(&huge, &good, 0), (&good, &huge, 0), (&good, &huge, 1)] {
        let body = json!({
            "prompt": "a cat", "init_images": [image], "mask": mask, "inpainting_mask_invert": invert,
        });
        let answer = server.post("/sdapi/v1/img2img", &body);
        assert!(answer.status == 422 && answer.text().contains(words), "{}", answer.text());
    }
    for (image, mask) in [(&file, &small), (&small, &file)] {
        let (content_type, body) = form(&[("prompt", b"a cat"), ("image", image), ("mask", mask)]);
        let answer = server.ask("POST", "/v1/images/edits", &[&content_type], &body);
        assert!(answer.status == 400 && answer.text().contains(words), "{}", answer.text());
    }
    // Its texts can be read, and nothing else is.
    assert_eq!(server.post("/sdapi/v1/png-info", &json!({"image": huge})).status, 200);
}

#[test]
fn dialects_have_the_same_limits() {
    let server = start(Options::default());
    let boxes = json!(vec![json!({"phrase": "a cat", "box": [0, 0, 1, 1]}); 1000]);
    let gligen = |layout: Value| json!({"gligen": {"args": [layout]}});
    let a1111 = "/sdapi/v1/txt2img";
    let openai = "/v1/images/generations";
    for (path, key, value, words) in [
        (a1111, "width", json!(1_000_000_000), "`width`"),
        (a1111, "height", json!(-8), "invalid value"),
        (a1111, "batch_size", json!(u64::MAX), "`num_images`"),
        (a1111, "steps", json!(100_000), "`steps`: expected at most 250"),
        (a1111, "alwayson_scripts", gligen(json!({"objects": boxes})), "`objects`: expected at most 100"),
        (
            a1111,
            "alwayson_scripts",
            gligen(json!({"loras": [{"file": "/etc/passwd"}]})),
            "`loras`: not those",
        ),
        (
            a1111,
            "alwayson_scripts",
            gligen(json!({"inpaint_image": "/etc/passwd"})),
            "`inpaint_image`: expected",
        ),
        (a1111, "prompt", json!("a".repeat(20_000)), "`prompt`: expected at most 10000 characters"),
        (openai, "size", json!("1000000000x8"), "`width`"),
        (openai, "n", json!(17), "`num_images`: expected at most 16"),
        (openai, "objects", boxes, "`objects`: expected at most 100"),
        (openai, "inpaint_image", json!("../../docs/pictures/penguin.png"), "`inpaint_image`: expected"),
    ] {
        let answer = server.post(path, &json!({"prompt": "a cat", key: value}));
        assert!([400, 422].contains(&answer.status), "{path} {key}: {}", answer.status);
        assert!(answer.text().contains(words), "{path} {key}: {}", answer.text());
    }
    let picture = |image: &str, mask: &str| json!({"prompt": "a cat", "init_images": [image], "mask": mask});
    for path in
        ["/etc/passwd", "../../docs/pictures/penguin.png", "file:///etc/passwd", "https://example.org/a.png"]
    {
        for body in [picture(path, path), picture("", path)] {
            let answer = server.post("/sdapi/v1/img2img", &body);
            assert!(answer.status == 422 && answer.text().contains("`inpaint_image`: "), "{}", answer.text());
        }
    }
}

#[test]
fn other_sites_and_other_names_are_kept_out() {
    let server = start(Options::default());
    let body = layout(1).to_string();
    let post = |headers: &[&str]| server.ask("POST", "/v1/generate", headers, body.as_bytes());
    check(&post(&["Origin: http://example.org"]), 403, "another site");
    check(&post(&["Origin: null"]), 403, "another site");
    check(&post(&["Host: example.org"]), 403, "this machine alone");
    let foreign_page = server.ask("GET", "/", &["Host: gligen.example.org:7788"], b"");
    check(&foreign_page, 403, "this machine alone");
    let own = format!("Origin: http://{}", server.address);
    assert_eq!(post(&[&own]).status, 200);
    // What a page may send without asking before: a form, and a text.
    for content_type in ["multipart/form-data; boundary=b", "text/plain", "application/x-www-form-urlencoded"]
    {
        for path in ["/v1/generate", "/v1/images/edits", "/v1/images/generations", "/sdapi/v1/interrupt"] {
            let headers = ["Origin: http://example.org", &format!("Content-Type: {content_type}")];
            check(&server.ask("POST", path, &headers, body.as_bytes()), 403, "another site");
        }
    }
    check(&server.ask("DELETE", "/v1/jobs/x", &["Origin: http://example.org"], b""), 403, "another site");
    assert_eq!(server.ask("OPTIONS", "/v1/generate", &["Origin: http://example.org"], b"").status, 403);
}

#[test]
fn addresses_and_methods_that_there_are_not() {
    let server = start(Options::default());
    check(&server.get("/v1/nothing"), 404, "nothing at this address");
    check(&server.get("/../../etc/passwd"), 404, "nothing at this address");
    check(&server.get("/page/..%2f..%2fCargo.toml"), 404, "nothing at this address");
    check(&server.get("/v1/generate"), 405, "other methods");
    check(&server.get("/v1/jobs/x/images/0"), 404, "no such job");
}
