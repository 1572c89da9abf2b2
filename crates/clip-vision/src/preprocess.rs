//! Pictures of any size to the numbers that a vision transformer takes.

use std::ops::Range;
use std::path::Path;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_pictures::{Filter, Picture};
use gligen_weights::{ConfigError, ConfigKeys};
use serde_json::{Value, json};

use crate::{ClipVisionConfig, Error};

/// Means of CLIP's training pictures, of red, green and blue.
const MEAN: [f64; 3] = [0.48145466, 0.4578275, 0.40821073];
/// Standard deviations of CLIP's training pictures.
const STD: [f64; 3] = [0.26862954, 0.26130258, 0.27577711];
/// Width and height of the pictures that CLIP was trained on.
const CLIP_SIZE: usize = 224;
/// The file of a processor's picture half, and that of a whole one, which has the same under a key.
const FILES: [&str; 2] = ["preprocessor_config.json", "processor_config.json"];

/// Resizes, cuts out the middle, and normalises.
///
/// Equal to the bit to transformers' `CLIPImageProcessorPil` on pictures of red, green and blue. (Its version over
/// torchvision resizes otherwise: a level of 255 here and there, or more on pictures taller than 2:1.) Of a transparent
/// picture the reference lays the colours over white before; that is for who reads the file.
///
/// Source: transformers `image_processing_backends.py`, `PilBackend`, and `models/clip/image_processing_pil_clip.py`.
#[derive(Debug, Clone)]
pub struct Preprocessor {
    resize: Option<(Size, Filter)>,
    output: Sides,
    /// What each byte of each channel becomes.
    levels: [[f32; 256]; 3],
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides {
    width: usize,
    height: usize,
}

/// What a picture is resized to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// Its shorter side is given, its aspect kept.
    ShortestEdge(usize),
    /// Both sides are given.
    Exact(Sides),
}

impl Preprocessor {
    /// Reads the folder `processor` or `feature_extractor` of a published model.
    ///
    /// # Errors
    ///
    /// If it holds no configuration, or one that is not supported.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let path = FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        let path = path.ok_or_else(|| Error::NoPreprocessor { folder: folder.into() })?;
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })?;
        Self::parse(&text)
    }

    /// Reads the text of a `preprocessor_config.json`, of any age, or of a `processor_config.json`, which has the same
    /// under `image_processor`. A missing key has CLIP's value.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, of another kind of processor, or a value is not supported.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let keys = ConfigKeys::parse("preprocessor_config.json", text)?;
        let keys = keys.object("image_processor")?.unwrap_or(keys);
        refuse(&keys)?;
        let resize = match keys.flag("do_resize", true)? {
            true => Some((Size::read(&keys)?, filter(&keys)?)),
            false => None,
        };
        let output = match (keys.flag("do_center_crop", true)?, resize) {
            (true, _) => Sides::read(&keys, "crop_size")?,
            (false, Some((Size::Exact(sides), _))) => sides,
            (false, _) => {
                let expected = "true, or pictures would come out in different sizes";
                return Err(keys.wrong("do_center_crop", expected).into());
            }
        };
        Ok(Self { resize, output, levels: levels(&keys)? })
    }

    /// Refuses a model, called `to`, that takes another size than comes out.
    pub(crate) fn check_fits(&self, to: &'static str, config: &ClipVisionConfig) -> Result<(), Error> {
        let (Sides { width, height }, side) = (self.output, config.image_size);
        if (width, height) == (side, side) {
            return Ok(());
        }
        Err(Error::Mismatch {
            part: "preprocessor",
            to,
            what: "size of a picture",
            expected: format!("{side}×{side}"),
            found: format!("{width}×{height}"),
        })
    }

    /// What a vision transformer takes: `[pictures, 3, height, width]`, for CLIP's means and deviations from -1.8 to
    /// 2.2.
    ///
    /// # Errors
    ///
    /// If a picture does not fit into memory.
    pub fn pixel_values(&self, pictures: &[Picture], device: &Device) -> Result<Tensor<4>, Error> {
        let Sides { width, height } = self.output;
        let mut values = Vec::with_capacity(pictures.len() * 3 * width * height);
        for picture in pictures {
            let (width, height) = (picture.width(), picture.height());
            let middle = self.resized_middle(picture).ok_or(Error::TooLong { width, height })?;
            for (channel, levels) in self.levels.iter().enumerate() {
                let bytes = middle.rgb().iter().skip(channel).step_by(3);
                values.extend(bytes.map(|&byte| levels[usize::from(byte)]));
            }
        }
        Ok(Tensor::from_data(TensorData::new(values, [pictures.len(), 3, height, width]), device))
    }

    fn resized_middle(&self, picture: &Picture) -> Option<Picture> {
        let from = Sides { width: picture.width(), height: picture.height() };
        let (to, filter) = match self.resize {
            Some((size, filter)) => (size.of(from)?, filter),
            None => (from, Filter::Bicubic),
        };
        let (columns, left) = middle(to.width, self.output.width);
        let (rows, top) = middle(to.height, self.output.height);
        // No more than the middle is ever made: of a picture of 1×100000, the whole would have millions of rows.
        let part = picture.resize_part((to.width, to.height), filter, columns, rows)?;
        // Where the picture is smaller than what comes out, its surroundings are black.
        part.crop(left, top, self.output.width, self.output.height)
    }
}

/// The pixels of a row of `whole` that are among the middle `part` ones, and the place of the latter's first relative
/// to the former's.
fn middle(whole: usize, part: usize) -> (Range<usize>, isize) {
    match whole.checked_sub(part) {
        Some(more) => (more / 2..more / 2 + part, 0),
        None => (0..whole, -((part - whole).div_ceil(2) as isize)),
    }
}

impl Sides {
    /// Sides as `height` and `width`, or as one number for both.
    fn read(keys: &ConfigKeys, key: &str) -> Result<Self, ConfigError> {
        let Some(sides) = keys.object_or_number(key)? else {
            let side = keys.side(key, CLIP_SIZE)?;
            return Ok(Self { width: side, height: side });
        };
        match sides.names()[..] {
            ["height", "width"] => {
                Ok(Self { width: sides.side("width", 0)?, height: sides.side("height", 0)? })
            }
            _ => Err(keys.wrong(key, "a number, or `height` and `width`")),
        }
    }
}

impl Size {
    /// A size as `shortest_edge` or one number, which means that, or as `height` and `width`.
    fn read(keys: &ConfigKeys) -> Result<Self, ConfigError> {
        let Some(size) = keys.object_or_number("size")? else {
            return Ok(Self::ShortestEdge(keys.side("size", CLIP_SIZE)?));
        };
        match size.names()[..] {
            ["shortest_edge"] => Ok(Self::ShortestEdge(size.side("shortest_edge", 0)?)),
            ["height", "width"] => Ok(Self::Exact(Sides::read(keys, "size")?)),
            _ => Err(keys.wrong("size", "a number, `shortest_edge`, or `height` and `width`")),
        }
    }

    /// The size of a picture of the size `from` after resizing; `None` if it is beyond all numbers.
    fn of(self, from: Sides) -> Option<Sides> {
        match self {
            Self::Exact(sides) => Some(sides),
            Self::ShortestEdge(short) => {
                let (a, b) = (from.width.min(from.height), from.width.max(from.height));
                let long = usize::try_from(short as u128 * b as u128 / a as u128).ok()?;
                Some(match from.width <= from.height {
                    true => Sides { width: short, height: long },
                    false => Sides { width: long, height: short },
                })
            }
        }
    }
}

/// Settings that ask for other numbers than this crate computes.
fn refuse(keys: &ConfigKeys) -> Result<(), ConfigError> {
    let names =
        ["CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"];
    let names = names.map(|name| (name, ()));
    keys.choice("image_processor_type", (), &names)?;
    keys.choice("feature_extractor_type", (), &names)?;
    keys.refuse_unless("do_pad", &json!(false))?;
    keys.refuse_unless("use_square_size", &json!(false))
}

/// The filter, by Pillow's number of it.
fn filter(keys: &ConfigKeys) -> Result<Filter, ConfigError> {
    match keys.get("resample").map(Value::as_u64) {
        Some(Some(1)) => Ok(Filter::Lanczos),
        Some(Some(2)) => Ok(Filter::Bilinear),
        None | Some(Some(3)) => Ok(Filter::Bicubic),
        Some(_) => Err(keys.wrong("resample", "1 (Lanczos), 2 (bilinear) or 3 (bicubic)")),
    }
}

/// What each byte of each channel becomes, with the reference's roundings: to f32 after the scale, which is f64.
fn levels(keys: &ConfigKeys) -> Result<[[f32; 256]; 3], Error> {
    let scale = match keys.flag("do_rescale", true)? {
        true => keys.number("rescale_factor", 1.0 / 255.0, "a number", f64::is_finite)?,
        false => 1.0,
    };
    let (mean, std) = match keys.flag("do_normalize", true)? {
        true => (
            channels(keys, "image_mean", MEAN, "a number", |_| true)?,
            channels(keys, "image_std", STD, "a number above 0", |std| std > 0.0)?,
        ),
        false => ([0.0; 3], [1.0; 3]),
    };
    Ok(std::array::from_fn(|channel| {
        std::array::from_fn(|byte| ((byte as f64 * scale) as f32 - mean[channel]) / std[channel])
    }))
}

/// A number for each channel, or one for all.
fn channels(
    keys: &ConfigKeys,
    key: &str,
    default: [f64; 3],
    expected: &str,
    is_right: impl Fn(f32) -> bool,
) -> Result<[f32; 3], ConfigError> {
    let numbers: Vec<f64> = match keys.get(key) {
        None => default.to_vec(),
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_f64).collect(),
        Some(value) => vec![value.as_f64().unwrap_or(f64::NAN); 3],
    };
    let numbers: Vec<f32> = numbers.into_iter().map(|number| number as f32).collect();
    <[f32; 3]>::try_from(numbers)
        .ok()
        .filter(|numbers| numbers.iter().all(|&number| number.is_finite() && is_right(number)))
        .ok_or_else(|| keys.wrong(key, &format!("{expected}, or three of them")))
}
