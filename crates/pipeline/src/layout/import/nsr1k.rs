//! NSR-1K, the benchmark of LayoutGPT: two objects in a relation, or a number of them.
//!
//! Boxes are the top left corner, width and height, fractions of the picture's.

use serde::Deserialize;

use super::draft::Draft;
use super::source::Id;
use super::{ImportError, Source, corners};

#[derive(Deserialize)]
struct Task {
    id: Option<Id>,
    prompt: String,
    obj1: Option<(String, [f64; 4])>,
    obj2: Option<(String, [f64; 4])>,
    #[serde(default)]
    object_list: Vec<(String, [f64; 4])>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, task)| draft(&place, task)).collect()
}

fn draft(place: &str, task: Task) -> Result<Draft, ImportError> {
    let mut draft = Draft::of(task.id, task.prompt);
    let pair = [("obj1", task.obj1), ("obj2", task.obj2)];
    let pair = pair.into_iter().filter_map(|(key, object)| Some((format!("{key}[1]"), object?)));
    let list = task.object_list.into_iter().enumerate();
    let list = list.map(|(index, object)| (format!("object_list[{index}][1]"), object));
    for (key, (name, sides)) in pair.chain(list) {
        draft.add(format!("{place}{key}"), &name, corners::of_sides(sides))?;
    }
    Ok(draft)
}
