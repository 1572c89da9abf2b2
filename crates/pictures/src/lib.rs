//! Pictures of 8 bits a channel.
//!
//! ```
//! use gligen_pictures::Picture;
//!
//! let red = Picture::new(2, 1, vec![255, 0, 0, 255, 0, 0]).expect("two pixels");
//! assert_eq!((red.width(), red.height()), (2, 1));
//! ```

#![forbid(unsafe_code)]

mod picture;

pub use picture::Picture;
