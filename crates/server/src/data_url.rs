//! Pictures as texts: data URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::write_png;
use image::RgbImage;

/// `picture` as a PNG file.
pub(crate) fn of_picture(picture: &RgbImage) -> Option<String> {
    let mut png = Vec::new();
    write_png(&mut png, picture, &[]).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

/// The picture in bare base64.
pub(crate) fn of_base64(base64: &str) -> String {
    let media_type = match base64.trim_start() {
        text if text.starts_with("iVBOR") => "image/png",
        text if text.starts_with("/9j/") => "image/jpeg",
        _ => "image/webp",
    };
    format!("data:{media_type};base64,{base64}")
}

/// The base64 in a data URL.
pub(crate) fn to_base64(url: &str) -> Option<&str> {
    url.split_once(";base64,").map(|(_, base64)| base64)
}
