//! Objects whose phrases, pictures and boxes stand in lists beside each other, as GLIGEN's own programs have them.

use std::path::PathBuf;

use serde::Deserialize;

use super::ImportError;
use super::draft::Draft;
use crate::LayoutObject;

/// A number for every object, or one for all.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of numbers")]
pub(super) enum PerObject {
    All(f64),
    Each(Vec<f64>),
}

impl PerObject {
    /// The number of an object; 1, which is what a layout leaves out, where the list ends before it.
    fn of(values: Option<&Self>, index: usize) -> Option<f64> {
        let value = match values? {
            Self::All(value) => Some(*value),
            Self::Each(values) => values.get(index).copied(),
        };
        value.filter(|&value| value != 1.0)
    }
}

/// The lists, each under the name that its file has for it.
pub(super) struct ParallelLists {
    pub(super) boxes: (&'static str, Vec<[f64; 4]>),
    pub(super) phrases: (&'static str, Option<Vec<Option<String>>>),
    pub(super) images: (&'static str, Option<Vec<Option<PathBuf>>>),
    pub(super) phrase_masks: Option<PerObject>,
    pub(super) image_masks: Option<PerObject>,
}

impl ParallelLists {
    /// Adds the objects to `draft`; `place` stands before the lists' names.
    pub(super) fn add_to(self, draft: &mut Draft, place: &str) -> Result<(), ImportError> {
        let (name, boxes) = self.boxes;
        let counts = [
            (self.phrases.0, self.phrases.1.as_ref().map(Vec::len)),
            (self.images.0, self.images.1.as_ref().map(Vec::len)),
        ];
        for (other, count) in counts {
            if let Some(count) = count.filter(|&count| count != boxes.len()) {
                let reason =
                    format!("expected one for each of `{name}`, which are {}; found {count}", boxes.len());
                return Err(ImportError::value(format!("{place}{other}"), reason));
            }
        }
        let mut phrases = self.phrases.1.unwrap_or_default().into_iter();
        let mut images = self.images.1.unwrap_or_default().into_iter();
        for (index, rect) in boxes.into_iter().enumerate() {
            let object = LayoutObject {
                phrase: phrases.next().flatten(),
                image: images.next().flatten(),
                rect,
                phrase_mask: PerObject::of(self.phrase_masks.as_ref(), index),
                image_mask: PerObject::of(self.image_masks.as_ref(), index),
            };
            draft.add_object(format!("{place}{name}[{index}]"), object)?;
        }
        Ok(())
    }
}
