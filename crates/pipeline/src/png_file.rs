//! PNG files with texts in them.

use std::io::{self, BufRead, Seek, Write};

use image::RgbImage;
use png::{BitDepth, ColorType, Decoder, Encoder, EncodingError, Limits};

/// Keyword of the text that holds our layout.
pub const LAYOUT_KEYWORD: &str = "gligen";

/// Keyword of the text that other programs for drawing read.
pub const PARAMETERS_KEYWORD: &str = "parameters";

/// The most that texts may take when a file is read: packed all together, and unpacked each.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The most that reading may allocate. Pixels are not unpacked into memory, so a good file stays far below it.
const MAX_BYTES: usize = 16 << 20;

/// Why the texts of a PNG file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a PNG file that can be read: {0}")]
pub struct PngError(#[from] png::DecodingError);

/// Writes `image` as a PNG file with `texts`, pairs of keyword and text.
///
/// A text goes into a `tEXt` chunk if it is Latin-1, which every program reads, and into an `iTXt` chunk otherwise.
///
/// # Errors
/// The writer's.
pub fn write_png(writer: impl Write, image: &RgbImage, texts: &[(&str, String)]) -> io::Result<()> {
    let encode = || -> Result<(), EncodingError> {
        let mut encoder = Encoder::new(writer, image.width(), image.height());
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        for (keyword, text) in texts {
            // The byte 0 ends a text, so it cannot be in one.
            let (keyword, text) = (keyword.to_string(), text.replace('\0', " "));
            match text.chars().all(|c| u32::from(c) <= 0xff) {
                true => encoder.add_text_chunk(keyword, text)?,
                false => encoder.add_itxt_chunk(keyword, text)?,
            }
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(image.as_raw())?;
        writer.finish()
    };
    encode().map_err(|error| match error {
        EncodingError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

/// The texts of a PNG file, pairs of keyword and text, of `tEXt`, `zTXt` and `iTXt` chunks, before or after the
/// pixels. What cannot be unpacked within 1 MiB is left out.
///
/// # Errors
/// The file is no PNG, or is broken before its pixels.
pub fn read_png_texts(reader: impl BufRead + Seek) -> Result<Vec<(String, String)>, PngError> {
    let mut reader = Decoder::new_with_limits(reader, Limits { bytes: MAX_BYTES }).read_info()?;
    // Texts may follow the pixels; those before them are good even if the rest is not.
    let _ = reader.finish();
    let info = reader.info();
    let mut texts = Vec::new();
    for chunk in &info.uncompressed_latin1_text {
        texts.push((chunk.keyword.clone(), chunk.text.clone()));
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(MAX_TEXT_BYTES).is_ok() {
            texts.extend(chunk.get_text().map(|text| (chunk.keyword.clone(), text)));
        }
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(MAX_TEXT_BYTES).is_ok() {
            texts.extend(chunk.get_text().map(|text| (chunk.keyword.clone(), text)));
        }
    }
    texts.retain(|(_, text)| text.len() <= MAX_TEXT_BYTES);
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn png_with(texts: &[(&str, String)]) -> Vec<u8> {
        let image = RgbImage::from_fn(8, 8, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let mut bytes = Vec::new();
        write_png(&mut bytes, &image, texts).unwrap();
        bytes
    }

    fn packed_texts(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 1, 1);
        encoder.add_ztxt_chunk("z".into(), text.into()).unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0]).unwrap();
        let mut chunk = png::text_metadata::ITXtChunk::new("i", text);
        chunk.compressed = true;
        writer.write_text_chunk(&chunk).unwrap(); // after the pixels
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn the_smallest_chunk_that_can_hold_a_text_is_taken() {
        let latin = png_with(&[("gligen", "Käse".into())]);
        assert!(latin.windows(4).any(|w| w == b"tEXt"));
        let emoji = png_with(&[("gligen", "a 🐈".into())]);
        assert!(emoji.windows(4).any(|w| w == b"iTXt"));
    }

    #[test]
    fn packed_texts_and_texts_behind_the_pixels_are_read() {
        let texts = read_png_texts(Cursor::new(packed_texts("a cat"))).unwrap();
        assert_eq!(texts, [("z".into(), "a cat".into()), ("i".into(), "a cat".into())]);
    }

    #[test]
    fn a_text_that_unpacks_to_more_than_the_limit_is_left_out() {
        let bomb = packed_texts(&" ".repeat(MAX_TEXT_BYTES + 1));
        assert!(bomb.len() < MAX_TEXT_BYTES / 10, "{}", bomb.len());
        assert!(read_png_texts(Cursor::new(bomb)).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn texts_come_back(text in "[^\0]*") {
            let texts = read_png_texts(Cursor::new(png_with(&[("gligen", text.clone())]))).unwrap();
            prop_assert_eq!(texts, [("gligen".to_string(), text)]);
        }

        #[test]
        fn mangled_bytes_never_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            packed in any::<bool>(),
            length in any::<prop::sample::Index>(),
        ) {
            let mut bytes = if packed { packed_texts("a cat") } else { png_with(&[("gligen", "{}".into())]) };
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            let _ = read_png_texts(Cursor::new(&bytes));
            bytes.truncate(length.index(bytes.len()));
            let _ = read_png_texts(Cursor::new(&bytes));
        }
    }
}
