//! Clients of OpenAI's images API, as they talk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_server::Options;
use image::{RgbImage, Rgba, RgbaImage};
use serde_json::json;

use crate::client::{Answer, Running, layout, start};
use crate::pictures::{form, picture, pixels, png_of};

#[test]
fn openai_images() {
    let server = start(Options::default());
    let objects = &layout(2)["objects"];
    let body = json!({
        "model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "128x64", "quality": "low", "user": "me",
        "objects": objects, "steps": 2, "seed": 5,
    });
    let answer = server.post("/v1/images/generations", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let (_, stored) = picture(&answer["data"][1]["b64_json"]);
    assert_eq!((stored.width, stored.height, stored.seed), (Some(128), Some(64), Some(6)));
    assert_eq!(stored.objects[0][0].phrase.as_deref(), Some("a cat"));

    let mut for_addresses = body.clone();
    for_addresses["response_format"] = json!("url");
    let by_address = server.post("/v1/images/generations", &for_addresses).json();
    for (index, image) in by_address["data"].as_array().unwrap().iter().enumerate() {
        let path =
            image["url"].as_str().unwrap().strip_prefix(&format!("http://{}", server.address)).unwrap();
        let file = server.get(path);
        assert_eq!((file.status, file.header("content-type")), (200, Some("image/png")));
        assert_eq!(STANDARD.encode(&file.body), answer["data"][index]["b64_json"]);
        assert!(image.get("b64_json").is_none());
    }

    let refused = server.post("/v1/images/generations", &json!({"prompt": "a cat", "size": "100x100"}));
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    assert!(error["message"].as_str().unwrap().contains("a multiple of 8"), "{error}");
}

fn send_form(server: &Running, parts: &[(&str, &[u8])]) -> Answer {
    let (content_type, body) = form(parts);
    server.ask("POST", "/v1/images/edits", &[&content_type], &body)
}

#[test]
fn openai_edits() {
    let server = start(Options::default());
    let room =
        server.ask("POST", "/v1/generate", &["Accept: image/png"], layout(2).to_string().as_bytes()).body;
    let opaque_until =
        |x0| RgbaImage::from_fn(128, 128, |x, _| Rgba([0, 0, 0, if x < x0 { 255 } else { 0 }]));
    let objects = layout(2)["objects"].to_string();
    let mask = png_of(&opaque_until(64));
    let answer = send_form(
        &server,
        &[
            ("model", b"gpt-image-1"),
            ("image", &room),
            ("mask", &mask),
            ("prompt", b"7"),
            ("objects", objects.as_bytes()),
            ("n", b"2"),
            ("seed", b"5"),
            ("steps", b"2"),
            ("size", b"128x128"),
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
    let answer = send_form(&server, &[("image[]", &png_of(&own)), ("prompt", b"a cat"), ("steps", b"2")]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (png, _) = picture(&answer.json()["data"][0]["b64_json"]);
    assert_eq!(pixels(&png).get_pixel(80, 60), pixels(&room).get_pixel(80, 60));
}

#[test]
fn openai_edits_that_cannot_be_made() {
    let server = start(Options::default());
    let room = png_of(&RgbImage::new(128, 128));
    let good: [(&str, &[u8]); 3] = [("image", &room), ("prompt", b"a cat"), ("steps", b"1")];
    let small_mask = png_of(&RgbaImage::new(64, 64));
    for (name, bytes, words) in [
        ("mask", small_mask.as_slice(), "`inpaint_mask`: 64×64 pixels, expected 128×128"),
        ("mask", b"/etc/passwd", "`mask`: the embedded picture: not a picture that can be read"),
        ("image[]", &room, "`image`: given twice"),
        ("prompt", b"\xff", "`prompt`: invalid utf-8"),
        ("n", b"two", "`n`: not JSON"),
        ("width", b"100", "`width`: expected a multiple of 8"),
        ("objects", b"[{\"box\": [0, 0]}]", "`objects"),
        ("objects", b"a cat", "`objects`: not JSON"),
        ("promt", b"a cat", "unknown key `promt`"),
        ("size", b"1000000000x8", "`width`"),
        (&"x".repeat(65), b"", "name has 65 bytes"),
        ("seed", b"1", "`inpaint_image`: neither a mask nor a box says where to repaint it"),
    ] {
        let mut parts = good.to_vec();
        parts.retain(|(known, _)| *known != name);
        parts.push((name, bytes));
        let answer = send_form(&server, &parts);
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_string();
        assert_eq!(answer.status, 400, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    let many: Vec<_> = good.into_iter().chain([("seed", b"1".as_slice()); 30]).collect();
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
fn openai_streams() {
    let server = start(Options::default());
    let mut body = json!({
        "prompt": "a cat", "objects": layout(2)["objects"], "steps": 12, "seed": 5, "n": 2, "stream": true,
        "partial_images": 2,
    });
    let answer = server.post("/v1/images/generations", &body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    let events = answer.events();
    let (looks, pictures) = events.split_at(events.len() - 2);
    assert!((1..=2).contains(&looks.len()), "{} looks", looks.len());
    for (index, (name, data)) in looks.iter().enumerate() {
        assert_eq!((name.as_str(), &data["type"]), ("image_generation.partial_image", &json!(name)));
        assert_eq!((&data["partial_image_index"], &data["size"]), (&json!(index), &json!("32x32")));
        let png = STANDARD.decode(data["b64_json"].as_str().unwrap()).unwrap();
        assert_eq!(pixels(&png).dimensions(), (32, 32));
    }
    for (index, (name, data)) in pictures.iter().enumerate() {
        assert_eq!((name.as_str(), &data["type"]), ("image_generation.completed", &json!(name)));
        assert_eq!(data["size"], "128x128");
        assert_eq!(picture(&data["b64_json"]).1.seed, Some(5 + index as u64));
    }

    // Without looks, and the same pictures.
    body["partial_images"] = json!(null);
    let again = server.post("/v1/images/generations", &body).events();
    assert_eq!(again.len(), 2);
    assert_eq!(again[1].1["b64_json"], pictures[1].1["b64_json"]);
    body["partial_images"] = json!(4);
    assert_eq!(server.post("/v1/images/generations", &body).status, 400);
}

#[test]
fn openai_streams_of_edits_and_of_jobs_that_end_badly() {
    let server = start(Options::default());
    let room = png_of(&RgbImage::new(128, 128));
    let objects = layout(2)["objects"].to_string();
    let edit = |steps: &str| {
        send_form(
            &server,
            &[
                ("image", &room),
                ("prompt", b"a cat"),
                ("objects", objects.as_bytes()),
                ("steps", steps.as_bytes()),
                ("stream", b"true"),
                ("partial_images", b"1"),
            ],
        )
    };
    let events = edit("12").events();
    assert_eq!(events[0].0, "image_edit.partial_image");
    assert_eq!(events.last().unwrap().0, "image_edit.completed");

    let events = std::thread::scope(|scope| {
        let events = scope.spawn(|| edit("250").events());
        while server.post("/sdapi/v1/interrupt", &json!({})).status == 200 && !events.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        events.join().unwrap()
    });
    let (name, data) = events.last().unwrap();
    assert_eq!((name.as_str(), &data["error"]["message"]), ("error", &json!("the job was cancelled")));
}
