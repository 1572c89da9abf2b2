//! Rectangles of Label Studio: a task or a list of them, in its full form or the one that it calls JSON-MIN. Of several
//! people's annotations of a picture the first is taken, and a model's predictions where nobody annotated it.
//!
//! Boxes are the top left corner, width and height in percent of the labelled picture.

use serde::Deserialize;

use super::draft::Draft;
use super::source::Id;
use super::{ImportError, Source, corners};

/// As many percent has each side.
const PERCENT: f64 = 100.0;

#[derive(Deserialize)]
struct Task {
    id: Option<Id>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    #[serde(default)]
    predictions: Vec<Annotation>,
    /// Where JSON-MIN has the rectangles.
    #[serde(default)]
    label: Vec<Rectangle>,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    result: Vec<Region>,
    #[serde(default)]
    was_cancelled: bool,
}

/// One of a picture's labels; those of other kinds have values of other shapes.
#[derive(Deserialize)]
struct Region {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: serde_json::Value,
}

#[derive(Deserialize)]
struct Rectangle {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    #[serde(default)]
    rotation: f64,
    rectanglelabels: Vec<String>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, task)| draft(&place, task)).collect()
}

fn draft(place: &str, task: Task) -> Result<Draft, ImportError> {
    let mut draft = Draft::new(task.id);
    for (index, rectangle) in task.label.into_iter().enumerate() {
        add(&mut draft, format!("{place}label[{index}]"), rectangle)?;
    }
    let lists = [("annotations", task.annotations), ("predictions", task.predictions)];
    let all = lists.into_iter().flat_map(|(name, list)| {
        list.into_iter().enumerate().map(move |(index, annotation)| (format!("{name}[{index}]"), annotation))
    });
    let mut all = all.filter(|(_, annotation)| !annotation.was_cancelled && !annotation.result.is_empty());
    let Some((name, annotation)) = all.next() else { return Ok(draft) };
    for (index, region) in annotation.result.into_iter().enumerate() {
        let path = format!("{place}{name}.result[{index}]");
        if region.kind.is_some_and(|kind| kind != "rectanglelabels") {
            draft.note(&path, "left out, as it is no rectangle");
            continue;
        }
        let path = format!("{path}.value");
        let rectangle = serde_path_to_error::deserialize(region.value).map_err(|error| {
            ImportError::value(format!("{path}.{}", error.path()), error.inner().to_string())
        })?;
        add(&mut draft, path, rectangle)?;
    }
    for (name, _) in all {
        draft.note(&format!("{place}{name}"), "left out: of several, the first is taken");
    }
    Ok(draft)
}

fn add(draft: &mut Draft, path: String, rectangle: Rectangle) -> Result<(), ImportError> {
    if rectangle.rotation != 0.0 {
        let reason = format!("expected an upright box, found one turned by {}°", rectangle.rotation);
        return Err(ImportError::value(format!("{path}.rotation"), reason));
    }
    let sides = corners::of_sides([rectangle.x, rectangle.y, rectangle.width, rectangle.height]);
    draft.add(path, &rectangle.rectanglelabels.join(", "), corners::fractions(sides, [PERCENT, PERCENT]))
}
