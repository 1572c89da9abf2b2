//! COCO-MIG, the benchmark of MIGC: captions with segments, by the number of a picture of COCO.
//!
//! Boxes are corners, fractions of width and height.

use serde::Deserialize;

use super::draft::Draft;
use super::source::{Entries, Id};
use super::{ImportError, Source};

#[derive(Deserialize)]
struct Task {
    caption: String,
    segment: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    label: String,
    bbox: [f64; 4],
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    let Entries(tasks): Entries<Task> = source.json()?;
    tasks.into_iter().map(|(id, task)| draft(id, task)).collect()
}

fn draft(id: String, task: Task) -> Result<Draft, ImportError> {
    let mut draft = Draft::of(Some(Id(id.clone())), task.caption);
    for (index, segment) in task.segment.iter().enumerate() {
        draft.add(format!("{id}.segment[{index}].bbox"), &segment.label, segment.bbox)?;
    }
    Ok(draft)
}
