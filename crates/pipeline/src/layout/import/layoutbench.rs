//! LayoutBench-COCO: captions with boxes that a picture should follow.
//!
//! Boxes are corners, fractions of width and height.

use serde::Deserialize;

use super::draft::Draft;
use super::parallel_lists::ParallelLists;
use super::source::Id;
use super::{ImportError, Source};

#[derive(Deserialize)]
struct Task {
    id: Option<Id>,
    file_name: Option<Id>,
    caption: String,
    box_captions: Vec<Option<String>>,
    boxes_normalized: Vec<[f64; 4]>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, task)| draft(&place, task)).collect()
}

fn draft(place: &str, task: Task) -> Result<Draft, ImportError> {
    let mut draft = Draft::of(task.id.or(task.file_name), task.caption);
    let lists = ParallelLists {
        boxes: ("boxes_normalized", task.boxes_normalized),
        phrases: ("box_captions", Some(task.box_captions)),
        images: ("images", None),
        phrase_masks: None,
        image_masks: None,
    };
    lists.add_to(&mut draft, place)?;
    Ok(draft)
}
