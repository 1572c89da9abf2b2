//! Pictures that stand in a layout itself: a data URL, or bare base64.

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gligen_components::Picture;

use crate::picture_file::decode;
use crate::{PictureError, Transparency};

/// What error texts call it, where a file would have its path.
const NAME: &str = "the embedded picture";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether `text` is a picture itself rather than the path of one.
pub(crate) fn is_data_url(text: &Path) -> bool {
    text.as_os_str().as_encoded_bytes().starts_with(b"data:")
}

/// Reads the picture that `text` is: a data URL (`data:image/png;base64,…`), or base64 alone. No file is ever opened.
///
/// A picture of more than `max_pixels` is refused by what its header says, before it is unpacked.
///
/// # Errors
/// [`PictureError::NotEmbedded`] if it is no base64; otherwise as for a file.
pub fn embedded_picture(
    text: &str,
    transparency: Transparency,
    max_pixels: u64,
) -> Result<Picture, PictureError> {
    decode(Cursor::new(embedded_file(text)?), Path::new(NAME), transparency, max_pixels)
}

/// The bytes of the file that `text` is: a data URL, or base64 alone, with or without padding and line breaks.
///
/// # Errors
/// [`PictureError::NotEmbedded`] if it is no base64.
pub fn embedded_file(text: &str) -> Result<Vec<u8>, PictureError> {
    let not_embedded = || PictureError::NotEmbedded { start: text.chars().take(40).collect() };
    let packed = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,").ok_or_else(not_embedded)?.1,
        None => text,
    };
    let packed: Vec<u8> = packed.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&packed).map_err(|_| not_embedded())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_png;

    fn base64_of_a_picture() -> String {
        let mut png = Vec::new();
        write_png(&mut png, &image::RgbImage::from_pixel(4, 2, image::Rgb([9, 8, 7])), &[]).unwrap();
        BASE64.encode(png)
    }

    #[test]
    fn data_urls_and_bare_base64_are_read() {
        let bare = base64_of_a_picture();
        let (head, tail) = bare.split_at(20);
        for text in [
            format!("data:image/png;base64,{bare}"),
            bare.trim_end_matches('=').to_string(),
            format!("{head}\n{tail}"),
        ] {
            let picture = embedded_picture(&text, Transparency::Ignored, 8).unwrap();
            assert_eq!((picture.width(), picture.height(), &picture.rgb()[..3]), (4, 2, &[9, 8, 7][..]));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        let too_large = embedded_picture(&base64_of_a_picture(), Transparency::Ignored, 7);
        insta::assert_snapshot!(too_large.unwrap_err());
        for (text, expected) in [
            ("../../etc/passwd", "expected a data URL or base64"),
            ("/etc/passwd", "expected a data URL or base64"),
            ("etc/host", "not a picture that can be read"), // base64, as it happens
            ("https://example.org/cat.png", "expected a data URL or base64"),
            ("data:image/png,abc", "expected a data URL or base64"),
            ("", "not a picture that can be read"),
        ] {
            let error = embedded_picture(text, Transparency::Ignored, 100).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
