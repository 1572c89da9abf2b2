//! Something that shall stand somewhere.

use gligen_components::Picture;

use crate::RequestError;

/// What stands in a box: described by a phrase, by a picture, or by both.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Object {
    /// What it is, in words.
    pub phrase: Option<String>,
    /// What it looks like; needs a model that takes pictures.
    pub image: Option<Picture>,
    /// Where it stands: x0 y0 x1 y1, fractions of width and height in 0..1 from the top left. A box without area is
    /// legal; with a picture in it, `[0, 1, 0, 1]`, it lends the whole its style.
    pub rect: [f64; 4],
    /// How much the phrase counts, 0 to 1.
    pub phrase_mask: f64,
    /// How much the picture counts, 0 to 1.
    pub image_mask: f64,
}

impl Object {
    /// An object described by `phrase`, in the box `rect` of corners x0 y0 x1 y1.
    pub fn phrase(phrase: impl Into<String>, rect: [f64; 4]) -> Self {
        Self { phrase: Some(phrase.into()), image: None, rect, phrase_mask: 1.0, image_mask: 1.0 }
    }

    /// An object that looks like `image`, in the box `rect` of corners x0 y0 x1 y1.
    pub fn image(image: Picture, rect: [f64; 4]) -> Self {
        Self { phrase: None, image: Some(image), rect, phrase_mask: 1.0, image_mask: 1.0 }
    }

    /// Lets it look like `image`, beside what it was described by.
    pub fn with_image(self, image: Picture) -> Self {
        Self { image: Some(image), ..self }
    }

    /// Sets how much phrase and picture count, 0 to 1 each.
    pub fn with_masks(self, phrase_mask: f64, image_mask: f64) -> Self {
        Self { phrase_mask, image_mask, ..self }
    }

    /// The phrase, or nothing.
    pub fn label(&self) -> &str {
        self.phrase.as_deref().unwrap_or_default()
    }

    /// How much its phrase counts: 0 without one.
    pub(crate) fn phrase_weight(&self) -> f64 {
        if self.phrase.is_some() { self.phrase_mask } else { 0.0 }
    }

    /// How much its picture counts: 0 without one.
    pub(crate) fn image_weight(&self) -> f64 {
        if self.image.is_some() { self.image_mask } else { 0.0 }
    }

    /// Checks the object that stands at `place` of a request, as every plan does; the original takes boxes with corners
    /// the wrong way round, so `inverted_box_allowed` with its habits.
    ///
    /// # Errors
    /// It has neither phrase nor picture, a corner or a mask is not between 0 and 1, or corners are the wrong way round.
    pub fn check(&self, place: &str, inverted_box_allowed: bool) -> Result<(), RequestError> {
        let place = || place.to_string();
        if self.phrase.is_none() && self.image.is_none() {
            return Err(RequestError::EmptyObject { place: place() });
        }
        for (name, value) in ["x0", "y0", "x1", "y1"].into_iter().zip(self.rect) {
            if !(0.0..=1.0).contains(&value) {
                return Err(RequestError::OutsideBox { place: place(), name, value });
            }
        }
        let [x0, y0, x1, y1] = self.rect;
        if (x0 > x1 || y0 > y1) && !inverted_box_allowed {
            return Err(RequestError::InvertedBox { place: place(), found: self.rect });
        }
        for (name, value) in [("phrase_mask", self.phrase_mask), ("image_mask", self.image_mask)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(RequestError::Mask { place: place(), name, value });
            }
        }
        Ok(())
    }
}
