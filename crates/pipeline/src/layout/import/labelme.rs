//! A picture labelled with LabelMe. A shape that is no rectangle counts as the box around it.
//!
//! Points are pixels of the labelled picture, whose size is not taken over.

use serde::Deserialize;

use super::draft::Draft;
use super::{ImportError, Source, corners};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labelled {
    shapes: Vec<Shape>,
    image_width: f64,
    image_height: f64,
}

#[derive(Deserialize)]
struct Shape {
    label: String,
    points: Vec<[f64; 2]>,
    shape_type: Option<String>,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    source.each()?.into_iter().map(|(place, labelled)| draft(&place, labelled)).collect()
}

fn draft(place: &str, labelled: Labelled) -> Result<Draft, ImportError> {
    let size = corners::size(&format!("{place}imageWidth"), labelled.image_width, labelled.image_height)?;
    let mut draft = Draft::new(None);
    for (index, shape) in labelled.shapes.into_iter().enumerate() {
        let path = format!("{place}shapes[{index}].points");
        let around = match (shape.shape_type.as_deref(), shape.points.as_slice()) {
            // The middle, and a point of the edge.
            (Some("circle"), &[[x, y], [on_x, on_y]]) => {
                let radius = (on_x - x).hypot(on_y - y);
                Some([x - radius, y - radius, x + radius, y + radius])
            }
            // In any order, as it was drawn.
            (_, points) => corners::around(points),
        };
        let around = around.ok_or_else(|| ImportError::value(&path, "expected points, found none"))?;
        draft.add(path, &shape.label, corners::fractions(around, size))?;
    }
    Ok(draft)
}
