//! A picture with its boxes and phrases drawn over it.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use gligen_pipeline::Object;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// DejaVu Sans with the letters of Latin, Greek and Cyrillic; the licence stands beside it.
const FONT: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");

/// Below this longer side a picture is enlarged, so that the phrases can be read.
const LEGIBLE_SIDE: u32 = 512;

/// Height of the letters, in pixels.
const LETTERS: f32 = 16.0;

/// Width of a box's line, in pixels.
const LINE: i64 = 3;

/// One colour after the other, all dark enough for white letters.
const COLOURS: [[u8; 3]; 8] = [
    [214, 39, 40],
    [31, 119, 180],
    [34, 139, 34],
    [148, 103, 189],
    [200, 90, 0],
    [0, 128, 128],
    [180, 40, 130],
    [110, 80, 60],
];

/// `image`, enlarged if it is small, with the box of each object and its phrase.
pub(crate) fn draw(image: &RgbImage, objects: &[Object]) -> RgbImage {
    let factor = LEGIBLE_SIDE.div_ceil(image.width().max(image.height())).max(1);
    let mut picture = resize(image, image.width() * factor, image.height() * factor, FilterType::Nearest);
    for (index, object) in objects.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let [left, top, right, bottom] = corners(&picture, object.rect);
        for inset in 0..LINE {
            let (left, top, right, bottom) = (left + inset, top + inset, right - inset, bottom - inset);
            fill(&mut picture, [left, top, right, top], colour);
            fill(&mut picture, [left, bottom, right, bottom], colour);
            fill(&mut picture, [left, top, left, bottom], colour);
            fill(&mut picture, [right, top, right, bottom], colour);
        }
        label(&mut picture, object.label(), left, top, colour);
    }
    picture
}

/// A box in pixels, its last row and column included; corners the wrong way round are put right.
fn corners(picture: &RgbImage, [x0, y0, x1, y1]: [f64; 4]) -> [i64; 4] {
    let pixel = |fraction: f64, side: u32| (fraction * f64::from(side - 1)).round() as i64;
    let (width, height) = picture.dimensions();
    [pixel(x0.min(x1), width), pixel(y0.min(y1), height), pixel(x0.max(x1), width), pixel(y0.max(y1), height)]
}

/// Paints the pixels from left to right and top to bottom, both ends included, as far as they are in the picture.
fn fill(picture: &mut RgbImage, [left, top, right, bottom]: [i64; 4], colour: [u8; 3]) {
    let (width, height) = picture.dimensions();
    for y in top.max(0)..=bottom.min(i64::from(height) - 1) {
        for x in left.max(0)..=right.min(i64::from(width) - 1) {
            picture.put_pixel(x as u32, y as u32, Rgb(colour));
        }
    }
}

/// Writes `text` in white on `colour`, from the corner `left` `top`, moved so that its beginning is in the picture.
fn label(picture: &mut RgbImage, text: &str, left: i64, top: i64, colour: [u8; 3]) {
    let Ok(font) = FontRef::try_from_slice(FONT) else { return }; // it is compiled in, and a test draws with it
    let scale = PxScale::from(LETTERS);
    let scaled = font.as_scaled(scale);
    let text_width: f32 = text.chars().map(|c| scaled.h_advance(font.glyph_id(c))).sum();
    let size = [text_width.ceil() as i64 + 2 * LINE, scaled.height().ceil() as i64 + 2];
    let left = left.min(i64::from(picture.width()) - size[0]).max(0);
    let top = top.min(i64::from(picture.height()) - size[1]).max(0);
    fill(picture, [left, top, left + size[0] - 1, top + size[1] - 1], colour);

    let mut x = (left + LINE) as f32;
    let baseline = top as f32 + 1.0 + scaled.ascent();
    for c in text.chars() {
        let glyph = font.glyph_id(c).with_scale_and_position(scale, point(x, baseline));
        x += scaled.h_advance(glyph.id);
        let Some(outline) = font.outline_glyph(glyph) else { continue }; // a space
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, coverage| {
            let (x, y) = (corner.x as i64 + i64::from(x), corner.y as i64 + i64::from(y));
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(Rgb(pixel)) = picture.get_pixel_mut_checked(x, y)
            {
                for channel in pixel {
                    *channel += (f32::from(255 - *channel) * coverage.clamp(0.0, 1.0)) as u8;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_letters_are_drawn_and_the_rest_stays() {
        let grey = RgbImage::from_pixel(128, 64, Rgb([9, 9, 9]));
        let picture = draw(&grey, &[Object::phrase("a cat", [0.25, 0.25, 0.75, 0.75])]);
        assert_eq!(picture.dimensions(), (512, 256));
        assert_eq!(picture.get_pixel(128, 150).0, COLOURS[0]);
        assert_eq!(picture.get_pixel(256, 150).0, [9, 9, 9]);
        assert!(picture.pixels().any(|pixel| pixel.0 == [255, 255, 255]), "no letters");
    }

    #[test]
    fn no_box_is_too_odd_to_draw() {
        let grey = RgbImage::new(600, 8);
        let long = "а long phrase in any script 猫 ".repeat(20);
        for rect in [[0.0; 4], [1.0; 4], [0.0, 1.0, 0.0, 1.0], [0.9, 0.9, 0.1, 0.1]] {
            draw(&grey, &[Object::phrase(long.as_str(), rect)]);
        }
    }
}
