//! Clients of AUTOMATIC1111's web UI, as they talk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::Layout;
use gligen_server::Options;
use image::RgbImage;
use serde_json::{Value, json};

use crate::client::{endless, layout, start};
use crate::pictures::{picture, pixels, png_of};

#[test]
fn a1111_txt2img_and_img2img() {
    let server = start(Options::default());
    let body = json!({
        "prompt": "a cat on a light blue background", "steps": 2, "seed": 7, "cfg_scale": 4, "sampler_name": "DDIM",
        "restore_faces": false, "alwayson_scripts": {"gligen": {"args": [{"objects": layout(2)["objects"]}]}},
    });
    let answer = server.post("/sdapi/v1/txt2img", &body);
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
    let without_mask = server.post("/sdapi/v1/img2img", &again);
    assert_eq!(without_mask.status, 422);
    assert!(without_mask.json()["detail"].as_str().unwrap().contains("`mask`"));
    again["mask"] = json!(STANDARD.encode(png_of(&mask)));
    let answer = server.post("/sdapi/v1/img2img", &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let repainted = STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap();
    assert_eq!(pixels(&repainted).get_pixel(5, 60), pixels(&png).get_pixel(5, 60));
    // Bare base64 is a path to other readers of the file.
    let mut stored = Layout::from_bytes(&repainted).unwrap();
    assert_eq!(stored.pictures_mut().count(), 0);
    assert!(stored.inpaint_mask.unwrap().to_str().unwrap().starts_with("data:image/png;base64,iVBOR"));

    let file = json!({"image": format!("data:image/png;base64,{}", STANDARD.encode(&repainted))});
    let texts = server.post("/sdapi/v1/png-info", &file).json();
    assert_eq!(texts["parameters"]["Prompt"], "a cat on a light blue background", "{texts}");
    assert_eq!((&texts["parameters"]["Size-1"], &texts["parameters"]["Seed"]), (&json!("128"), &json!("7")));
    assert!(texts["info"].as_str().unwrap().contains("Sampler: DDIM"), "{texts}");
    assert!(texts["items"]["gligen"].as_str().unwrap().starts_with("{\"prompt\""), "{texts}");

    again["inpainting_mask_invert"] = json!(1);
    let answer = server.post("/sdapi/v1/img2img", &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let other_half = STANDARD.decode(answer.json()["images"][0].as_str().unwrap()).unwrap();
    assert_eq!(pixels(&other_half).get_pixel(122, 60), pixels(&png).get_pixel(122, 60));
    again["inpainting_mask_invert"] = json!(2);
    assert!(server.post("/sdapi/v1/img2img", &again).text().contains("expected 0 or 1, found `2`"));
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
    assert_eq!(server.post("/sdapi/v1/interrupt", &json!({})).status, 200);
    server.wait_for(&id, "cancelled");
}

#[test]
fn a1111_names_noise_levels_apart_from_samplers() {
    let server = start(Options::default());
    let levels = server.get("/sdapi/v1/schedulers").json();
    assert_eq!((&levels[0]["label"], &levels[1]["name"]), (&json!("Automatic"), &json!("karras")));
    let mut body = json!({"prompt": "a cat", "steps": 2, "sampler_name": "DPM++ 2M", "scheduler": "Karras"});
    let answer = server.post("/sdapi/v1/txt2img", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (_, stored) = picture(&answer.json()["images"][0]);
    assert_eq!(stored.scheduler.unwrap().name(), "dpmpp-2m-karras");
    body["scheduler"] = json!("Polyexponential");
    let refused = server.post("/sdapi/v1/txt2img", &body);
    assert_eq!(refused.status, 422);
    assert!(refused.json()["detail"].as_str().unwrap().contains("no noise levels `Polyexponential`"));
}

#[test]
fn a1111_png_info_of_what_is_none() {
    let server = start(Options::default());
    for (file, words) in [
        (json!({"image": "/etc/passwd"}), "`image`: expected a data URL or base64"),
        (json!({"image": "etc/host"}), "`image`: not a PNG file"),
        (json!({"image": STANDARD.encode([0; 100])}), "`image`: not a PNG file"),
        (json!({"image": ""}), "`image`: not a PNG file"),
        (json!({"picture": ""}), "missing field `image`"),
    ] {
        let refused = server.post("/sdapi/v1/png-info", &file);
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    let bare =
        server.post("/sdapi/v1/png-info", &json!({"image": STANDARD.encode(png_of(&RgbImage::new(8, 8)))}));
    assert_eq!((bare.status, &bare.json()["info"], &bare.json()["items"]), (200, &json!(""), &json!({})));
}
