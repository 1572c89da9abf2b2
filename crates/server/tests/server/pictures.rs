//! Pictures as they come and go, also in forms.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::Layout;
use image::{ImageBuffer, ImageFormat, PixelWithColorType, RgbImage};
use serde_json::Value;

/// The pixels of a file.
pub(crate) fn pixels(png: &[u8]) -> RgbImage {
    image::load_from_memory(png).unwrap().to_rgb8()
}

/// The file of a picture.
pub(crate) fn png_of<P: PixelWithColorType<Subpixel = u8>>(picture: &ImageBuffer<P, Vec<u8>>) -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

/// A file in base64, and the layout in it.
pub(crate) fn picture(base64: &Value) -> (Vec<u8>, Layout) {
    let png = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    let layout = Layout::from_bytes(&png).unwrap();
    (png, layout)
}

/// Header and body of a form of these parts, each of which says that it was a file with a path.
pub(crate) fn form(parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"../../etc/passwd\"");
        body.extend(format!("--frontier\r\n{head}\r\n\r\n").bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--frontier--\r\n");
    ("Content-Type: multipart/form-data; boundary=frontier".into(), body)
}
