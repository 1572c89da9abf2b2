//! Pictures of 8 bits a channel, cropped and resized to the bit as Pillow does.
//!
//! ```text
//! Picture ──crop, centre_crop_to_aspect──▶ a rectangle of it ──resize──▶ the size that a network takes
//! ```
//!
//! Reading and writing files is none of this crate's business.
//!
//! ```
//! use gligen_pictures::{Filter, Picture};
//!
//! # fn example() -> Option<()> {
//! let gradient = Picture::new(2, 1, vec![255, 0, 0, 0, 0, 255])?;
//! let wider = gradient.resize(4, 1, Filter::Bilinear)?;
//! assert_eq!(wider.rgb(), [255, 0, 0, 191, 0, 64, 64, 0, 191, 0, 0, 255]);
//!
//! let square = wider.centre_crop_to_aspect(1, 1)?;
//! assert_eq!((square.width(), square.height()), (1, 1));
//! # Some(())
//! # }
//! # example().unwrap();
//! ```

#![forbid(unsafe_code)]

mod crop;
mod picture;
mod resize;

pub use picture::Picture;
pub use resize::Filter;
