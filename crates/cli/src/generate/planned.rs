//! A layout on the model: which pictures will be drawn, and what they will say about how they were made.

use gligen_pipeline::{LAYOUT_KEYWORD, PARAMETERS_KEYWORD, Plan, parameters};

use super::asked::Asked;
use crate::failure::Failure;
use crate::seen_from::seen_from;

/// A layout with every number settled.
pub(super) struct Planned<'a> {
    pub(super) asked: &'a Asked,
    pub(super) plan: Plan,
    /// The pictures to write, of all that are drawn.
    pub(super) kept: Vec<usize>,
    /// Whether these lie there already, which is asked of lines alone.
    pub(super) are_there: bool,
    /// What pictures call the model.
    model: String,
}

impl<'a> Planned<'a> {
    pub(super) fn new(asked: &'a Asked, plan: Plan, model: &str) -> Result<Self, Failure> {
        let kept = match asked.layout.index {
            None => (0..plan.pictures()).collect(),
            Some(index) if index < plan.pictures() => vec![index],
            Some(index) => {
                let message = format!("`index`: picture {index} of a batch of {}", plan.pictures());
                return Err(Failure::arguments(message, "the first picture has the index 0"));
            }
        };
        Ok(Self { asked, plan, kept, are_there: false, model: model.into() })
    }

    /// Lets go of the pictures that only drawing needs.
    pub(super) fn drop_pictures(&mut self) {
        let request = &mut self.plan.request;
        request.objects.iter_mut().flatten().for_each(|object| object.image = None);
        request.inpaint = None;
    }

    /// The caption of picture `index`.
    pub(super) fn prompt(&self, index: usize) -> &str {
        &self.plan.request.prompts[index / self.plan.num_images]
    }

    /// What picture `index` says about how it was made.
    pub(super) fn texts(&self, index: usize) -> Vec<(&'static str, String)> {
        let folder = self.asked.target.folder();
        let mut layout = self.asked.layout.of_picture(&self.plan, index);
        layout.pictures_mut().for_each(|path| *path = seen_from(folder, path));
        layout.adapters_mut().for_each(|path| *path = seen_from(folder, path));
        vec![(LAYOUT_KEYWORD, layout.to_json()), (PARAMETERS_KEYWORD, parameters(&layout, &self.model))]
    }
}
