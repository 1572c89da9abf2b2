//! Files of pictures that users give.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use gligen_components::Picture;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

/// The most pixels that a picture may have; it is refused by what its header says, before anything is unpacked.
const MAX_PIXELS: u64 = 1 << 26;

/// The most that unpacking may allocate: as many pixels of four numbers of 16 bits.
const MAX_BYTES: u64 = MAX_PIXELS * 8;

/// What becomes of transparent pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transparency {
    /// They let white through, as where CLIP looks at pictures: for pictures of objects.
    OverWhite,
    /// They show their colour in full, as where an autoencoder takes pictures: for a picture to repaint, and its mask.
    Ignored,
    /// It is the picture: white where nothing is seen, black where all is, for a mask that says by it where to repaint.
    Alone,
}

/// Why a picture cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be opened.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is none of the formats that are read.
    #[error("{path}: not a picture that can be read: expected PNG, JPEG or WebP")]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// It has too many pixels, or none.
    #[error("{path}: {width}×{height} pixels; at most {max_pixels} in all")]
    Size {
        /// The file.
        path: PathBuf,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The most that are read.
        max_pixels: u64,
    },
    /// It is broken, or of a kind that is not read.
    #[error("{path}: {source}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ImageError,
    },
    /// A text that should be a picture itself, and is none.
    #[error("expected a data URL or base64 of a PNG, JPEG or WebP picture, found `{start}`")]
    NotEmbedded {
        /// How it begins.
        start: String,
    },
}

/// Reads a PNG, JPEG or WebP file: grey or in colour, of 8 or 16 bits, turned upright as its EXIF data say. Of an
/// animation it takes the first frame.
pub fn read_picture(path: &Path, transparency: Transparency) -> Result<Picture, PictureError> {
    let file = File::open(path).map_err(|source| PictureError::File { path: path.into(), source })?;
    decode(BufReader::new(file), path, transparency, MAX_PIXELS)
}

/// Reads the picture that error texts call `path`, of at most `max_pixels`, and never more than a file may have.
pub(crate) fn decode(
    reader: impl BufRead + Seek,
    path: &Path,
    transparency: Transparency,
    max_pixels: u64,
) -> Result<Picture, PictureError> {
    let max_pixels = max_pixels.min(MAX_PIXELS);
    let path = || path.to_path_buf();
    let broken = |source| PictureError::Broken { path: path(), source };
    let mut reader = ImageReader::new(reader)
        .with_guessed_format()
        .map_err(|source| PictureError::File { path: path(), source })?;
    if reader.format().is_none_or(|format| !format.reading_enabled()) {
        return Err(PictureError::Format { path: path() });
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if !(1..=max_pixels).contains(&(u64::from(width) * u64::from(height))) {
        return Err(PictureError::Size { path: path(), width, height, max_pixels });
    }
    // A picture whose EXIF data cannot be read is taken as it lies.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let (width, height) = (image.width(), image.height());
    let rgb = match transparency {
        Transparency::OverWhite if image.color().has_alpha() => {
            image.into_rgba8().pixels().flat_map(|pixel| over_white(pixel.0)).collect()
        }
        Transparency::Alone => image.into_rgba8().pixels().flat_map(|pixel| [255 - pixel.0[3]; 3]).collect(),
        _ => image.into_rgb8().into_raw(),
    };
    Picture::new(width as usize, height as usize, rgb).ok_or(PictureError::Size {
        path: path(),
        width,
        height,
        max_pixels,
    })
}

fn over_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    [red, green, blue].map(|colour| ((u32::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}
