//! Pictures labelled as COCO has them: instances, and captions if they stand among them. Of several captions of a picture
//! the first is taken.
//!
//! Boxes are the top left corner, width and height in pixels of the labelled picture. Its size is not taken over, as it is
//! a photograph's and seldom one that can be drawn.

use std::collections::HashMap;

use serde::Deserialize;

use super::draft::Draft;
use super::source::Id;
use super::{ImportError, Source, corners};

#[derive(Deserialize)]
struct Dataset {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Id,
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: Id,
    category_id: Option<Id>,
    bbox: Option<[f64; 4]>,
    caption: Option<String>,
}

#[derive(Deserialize)]
struct Category {
    id: Id,
    name: String,
}

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    let dataset: Dataset = source.json()?;
    let names: HashMap<_, _> =
        dataset.categories.into_iter().map(|category| (category.id, category.name)).collect();
    let numbers: HashMap<_, _> =
        dataset.images.iter().enumerate().map(|(number, image)| (image.id.clone(), number)).collect();
    let mut drafts: Vec<_> = dataset.images.iter().map(|image| Draft::new(Some(image.id.clone()))).collect();

    for (index, annotation) in dataset.annotations.into_iter().enumerate() {
        let place = format!("annotations[{index}]");
        let Some(&number) = numbers.get(&annotation.image_id) else {
            let reason = format!("there is no picture {} among `images`", annotation.image_id.0);
            return Err(ImportError::value(format!("{place}.image_id"), reason));
        };
        let draft = &mut drafts[number];
        if draft.layout.prompt.is_empty() {
            draft.layout.prompt.extend(annotation.caption);
        }
        let Some(sides) = annotation.bbox else { continue };
        let Some(name) = annotation.category_id.as_ref().and_then(|id| names.get(id)) else {
            let found = annotation.category_id.map_or("none".into(), |id| id.0);
            let reason = format!("expected one of `categories`, found {found}");
            return Err(ImportError::value(format!("{place}.category_id"), reason));
        };
        let image = &dataset.images[number];
        let size = corners::size(&format!("images[{number}].width"), image.width, image.height)?;
        draft.add(format!("{place}.bbox"), name, corners::fractions(corners::of_sides(sides), size))?;
    }
    Ok(drafts)
}
