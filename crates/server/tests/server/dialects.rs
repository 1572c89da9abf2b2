//! Clients of other APIs, as they talk.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::Layout;
use gligen_server::Options;
use image::{ImageBuffer, ImageFormat, PixelWithColorType, RgbImage, Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::client::{Answer, Running, endless, layout, start};

fn post(server: &Running, path: &str, body: &Value) -> Answer {
    server.ask("POST", path, &["Content-Type: application/json"], body.to_string().as_bytes())
}

fn pixels(png: &[u8]) -> RgbImage {
    image::load_from_memory(png).unwrap().to_rgb8()
}

fn png_of<P: PixelWithColorType<Subpixel = u8>>(picture: &ImageBuffer<P, Vec<u8>>) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

fn picture(base64: &Value) -> (Vec<u8>, Layout) {
    let png = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    let layout = Layout::from_bytes(&png).unwrap();
    (png, layout)
}

#[test]
fn openai_images() {
    let server = start(Options::default());
    let objects = &layout(2)["objects"];
    let body = json!({
        "model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "128x64", "quality": "low", "user": "me",
        "objects": objects, "steps": 2, "seed": 5,
    });
    let answer = post(&server, "/v1/images/generations", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let (_, stored) = picture(&answer["data"][1]["b64_json"]);
    assert_eq!((stored.width, stored.height, stored.seed), (Some(128), Some(64), Some(6)));
    assert_eq!(stored.objects[0][0].phrase.as_deref(), Some("a cat"));

    let refused = post(&server, "/v1/images/generations", &json!({"prompt": "a cat", "size": "100x100"}));
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    assert!(error["message"].as_str().unwrap().contains("a multiple of 8"), "{error}");
}

/// A form of these parts, as a browser sends it: name, file name, bytes.
fn send_form(server: &Running, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(
            format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes(),
        );
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--frontier--\r\n");
    server.ask("POST", "/v1/images/edits", &["Content-Type: multipart/form-data; boundary=frontier"], &body)
}

#[test]
fn openai_edits() {
    let server = start(Options::default());
    let room =
        server.ask("POST", "/v1/generate", &["Accept: image/png"], layout(2).to_string().as_bytes()).body;
    let opaque_until =
        |x0| RgbaImage::from_fn(128, 128, |x, _| Rgba([0, 0, 0, if x < x0 { 255 } else { 0 }]));
    let objects = layout(2)["objects"].to_string();
    let (file, mask) = (Some("../../etc/passwd"), png_of(&opaque_until(64)));
    let answer = send_form(
        &server,
        &[
            ("model", None, b"gpt-image-1"),
            ("image", file, &room),
            ("mask", file, &mask),
            ("prompt", None, b"7"),
            ("objects", None, objects.as_bytes()),
            ("n", None, b"2"),
            ("seed", None, b"5"),
            ("steps", None, b"2"),
            ("size", None, b"128x128"),
        ],
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let (png, stored) = picture(&answer["data"][1]["b64_json"]);
    assert_eq!(pixels(&png).get_pixel(5, 60), pixels(&room).get_pixel(5, 60), "what is opaque is kept");
    assert_ne!(pixels(&png), pixels(&room));
    assert_eq!((stored.seed, stored.prompt[0].as_str(), stored.objects[0].len()), (Some(6), "7", 1));

    // The picture says itself where to repaint: right of the column 96.
    let mut own = image::load_from_memory(&room).unwrap().to_rgba8();
    own.enumerate_pixels_mut().filter(|(x, ..)| *x >= 96).for_each(|(.., pixel)| pixel.0[3] = 0);
    let answer = send_form(
        &server,
        &[("image[]", file, &png_of(&own)), ("prompt", None, b"a cat"), ("steps", None, b"2")],
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (png, _) = picture(&answer.json()["data"][0]["b64_json"]);
    assert_eq!(pixels(&png).get_pixel(80, 60), pixels(&room).get_pixel(80, 60));
}

#[test]
fn openai_edits_that_cannot_be_made() {
    let server = start(Options::default());
    let room = png_of(&RgbImage::new(128, 128));
    let good: [(&str, Option<&str>, &[u8]); 3] =
        [("image", Some("room.png"), &room), ("prompt", None, b"a cat"), ("steps", None, b"1")];
    let small_mask = png_of(&RgbaImage::new(64, 64));
    for (name, bytes, words) in [
        ("mask", small_mask.as_slice(), "`inpaint_mask`: 64×64 pixels, expected 128×128"),
        ("mask", b"/etc/passwd", "`mask`: the embedded picture: not a picture that can be read"),
        ("image[]", &room, "`image`: given twice"),
        ("prompt", b"\xff", "`prompt`: invalid utf-8"),
        ("n", b"two", "`n`: not JSON"),
        ("objects", b"[{\"box\": [0, 0]}]", "`objects"),
        ("objects", b"a cat", "`objects`: not JSON"),
        ("promt", b"a cat", "unknown key `promt`"),
        ("size", b"1000000000x8", "`width`"),
        (&"x".repeat(65), b"", "name has 65 bytes"),
        ("seed", b"1", "`inpaint_image`: neither a mask nor a box says where to repaint it"),
    ] {
        let mut parts = good.to_vec();
        parts.retain(|(known, ..)| *known != name);
        parts.push((name, None, bytes));
        let answer = send_form(&server, &parts);
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_string();
        assert_eq!(answer.status, 400, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    let many: Vec<_> = good.into_iter().chain([("seed", None, b"1".as_slice()); 30]).collect();
    assert!(send_form(&server, &many).text().contains("more than 32 parts"));
    let unread = |headers: &[&str]| server.ask("POST", "/v1/images/edits", headers, b"--frontier\r\n");
    assert!(unread(&["Content-Type: multipart/form-data"]).text().contains("not a form: "));
    assert!(
        unread(&["Content-Type: multipart/form-data; boundary=frontier"]).text().contains("not a form: ")
    );
    assert_eq!(unread(&["Content-Type: application/json"]).status, 415);
    assert_eq!(server.generate(&layout(1)).status, 200);
}

#[test]
fn a1111_txt2img_and_img2img() {
    let server = start(Options::default());
    let body = json!({
        "prompt": "a cat on a light blue background", "steps": 2, "seed": 7, "cfg_scale": 4, "sampler_name": "DDIM",
        "restore_faces": false, "alwayson_scripts": {"gligen": {"args": [{"objects": layout(2)["objects"]}]}},
    });
    let answer = post(&server, "/sdapi/v1/txt2img", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let (png, _) = picture(&answer["images"][0]);
    let ours = server.ask("POST", "/v1/generate", &["Accept: image/png"], layout(2).to_string().as_bytes());
    assert!(pixels(&png) == pixels(&ours.body), "the same request in both languages gives the same picture");
    let info: Value = serde_json::from_str(answer["info"].as_str().unwrap()).unwrap();
    assert_eq!(info["all_seeds"], json!([7]));
    assert!(info["infotexts"][0].as_str().unwrap().contains("Sampler: DDIM"), "{info}");

    let mask = image::RgbImage::from_fn(128, 128, |x, _| image::Rgb([if x < 64 { 0 } else { 255 }; 3]));
    let mut again = body;
    again["init_images"] = json!([STANDARD.encode(&png)]);
    let without_mask = post(&server, "/sdapi/v1/img2img", &again);
    assert_eq!(without_mask.status, 422);
    assert!(without_mask.json()["detail"].as_str().unwrap().contains("`mask`"));
    again["mask"] = json!(STANDARD.encode(png_of(&mask)));
    let answer = post(&server, "/sdapi/v1/img2img", &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let repainted = STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap();
    assert_eq!(pixels(&repainted).get_pixel(5, 60), pixels(&png).get_pixel(5, 60));
    // Bare base64 is a path to other readers of the file.
    let mut stored = Layout::from_bytes(&repainted).unwrap();
    assert_eq!(stored.pictures_mut().count(), 0);
    assert!(stored.inpaint_mask.unwrap().to_str().unwrap().starts_with("data:image/png;base64,iVBOR"));

    again["inpainting_mask_invert"] = json!(1);
    let answer = post(&server, "/sdapi/v1/img2img", &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let other_half = STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap();
    assert_eq!(pixels(&other_half).get_pixel(122, 60), pixels(&png).get_pixel(122, 60));
    again["inpainting_mask_invert"] = json!(2);
    assert!(post(&server, "/sdapi/v1/img2img", &again).text().contains("expected 0 or 1, found `2`"));
}

#[test]
fn a1111_says_how_far_it_is_and_stops() {
    let server = start(Options::default());
    assert_eq!(server.get("/sdapi/v1/progress").json()["progress"], 0.0);
    assert!(server.get("/sdapi/v1/samplers").json().as_array().unwrap().iter().any(|s| s["name"] == "Euler"));
    assert_eq!(server.get("/sdapi/v1/sd-models").json().as_array().unwrap().len(), 1);
    assert_eq!(server.get("/sdapi/v1/options").status, 200);
    let id = server.submit(&endless());
    server.wait_for(&id, "generating");
    let progress = server.get("/sdapi/v1/progress").json();
    assert_eq!(progress["state"]["job_count"], 1, "{progress}");
    assert_eq!(post(&server, "/sdapi/v1/interrupt", &json!({})).status, 200);
    server.wait_for(&id, "cancelled");
}
