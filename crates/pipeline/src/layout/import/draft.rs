//! A layout on its way out of another program's file.

use std::collections::HashSet;

use gligen_schedulers::SchedulerKind;

use super::corners::fitted;
use super::source::{Id, check_length};
use super::{ImportError, Imported};
use crate::layout::values::six_decimals;
use crate::{Layout, LayoutObject};

/// A layout that is not finished. Its objects are added one by one; all else is set in the layout itself.
pub(super) struct Draft {
    pub(super) layout: Layout,
    id: Option<String>,
    objects: Vec<LayoutObject>,
    notes: Vec<String>,
}

impl Draft {
    /// A layout that its file calls `id`.
    pub(super) fn new(id: Option<Id>) -> Self {
        Self { layout: Layout::default(), id: id.map(|id| id.0), objects: Vec::new(), notes: Vec::new() }
    }

    /// A layout with the caption `prompt`.
    pub(super) fn of(id: Option<Id>, prompt: String) -> Self {
        let mut draft = Self::new(id);
        draft.layout.prompt.push(prompt);
        draft
    }

    /// Adds what the box at `path` holds. `corners` are fractions, in the order x0 y0 x1 y1.
    pub(super) fn add(&mut self, path: String, phrase: &str, corners: [f64; 4]) -> Result<(), ImportError> {
        check_length(phrase).map_err(|reason| ImportError::value(&path, format!("its phrase: {reason}")))?;
        let phrase = Some(phrase.to_string());
        self.add_object(path, LayoutObject { phrase, rect: corners, ..LayoutObject::default() })
    }

    /// Adds an object whose box stands at `path`. One without a phrase and without a picture is left out: nothing could be
    /// drawn for it.
    pub(super) fn add_object(&mut self, path: String, mut object: LayoutObject) -> Result<(), ImportError> {
        let (rect, repairs) = fitted(&path, object.rect)?;
        object.rect = rect.map(six_decimals);
        object.phrase =
            object.phrase.map(|phrase| phrase.trim().to_string()).filter(|phrase| !phrase.is_empty());
        if object.phrase.is_none() && object.image.is_none() {
            self.note(&path, "left out, as it has no phrase");
            return Ok(());
        }
        repairs.for_each(|repair| self.note(&path, repair));
        self.objects.push(object);
        Ok(())
    }

    /// Says that what stands at `path` was changed or left out.
    pub(super) fn note(&mut self, path: &str, what: &str) {
        self.notes.push(format!("{path}: {what}"));
    }

    pub(super) fn set_negative_prompt(&mut self, text: Option<String>) {
        self.layout.negative_prompt = text.filter(|text| !text.trim().is_empty()).into_iter().collect();
    }

    /// Sets the size of the picture to be drawn, to the nearest multiples of 8.
    pub(super) fn set_size(&mut self, path: &str, size: [f64; 2]) {
        let [width, height] = size.map(|side| ((side / 8.0).round().max(1.0) * 8.0) as usize);
        if [width as f64, height as f64] != size {
            self.note(
                path,
                &format!("{}×{} became {width}×{height}: sides are multiples of 8", size[0], size[1]),
            );
        }
        (self.layout.width, self.layout.height) = (Some(width), Some(height));
    }

    /// Sets the sampler that `path` names `theirs`, if it is `ours`.
    pub(super) fn set_scheduler(&mut self, path: &str, theirs: &str, ours: Option<SchedulerKind>) {
        self.layout.scheduler = ours;
        if ours.is_none() {
            self.note(path, &format!("left out, as there is no such sampler here: {theirs}"));
        }
    }

    /// The finished layout, the `index`-th of its file; none if there is nothing in it.
    pub(super) fn finish(self, index: usize, prompt: Option<&str>) -> Result<Option<Imported>, ImportError> {
        let Self { mut layout, id, objects, notes } = self;
        layout.prompt.retain(|prompt| !prompt.trim().is_empty());
        if layout.prompt.is_empty() && objects.is_empty() {
            return Ok(None);
        }
        if layout.prompt.is_empty() {
            let phrases = objects.iter().filter_map(|object| object.phrase.as_deref());
            check_length(prompt.unwrap_or_default())
                .map_err(|reason| ImportError::value("prompt", reason))?;
            layout.prompt = vec![prompt.map_or_else(|| joined(phrases), String::from)];
        }
        layout.objects = vec![objects];
        Ok(Some(Imported { id: id.unwrap_or_else(|| index.to_string()), layout, notes }))
    }
}

/// The caption that names all phrases, each once.
pub(super) fn joined<'a>(phrases: impl Iterator<Item = &'a str>) -> String {
    let mut seen = HashSet::new();
    phrases.filter(|phrase| seen.insert(*phrase)).collect::<Vec<_>>().join(", ")
}
