//! The text of a foreign file, and JSON as other programs write it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ImportError;

/// The most characters of what a file has once and many things made of it each have a copy of: a phrase, a name.
const MAX_TEXT: usize = 1000;

/// That `text` may be copied into many things.
pub(super) fn check_length(text: &str) -> Result<(), String> {
    if text.chars().nth(MAX_TEXT).is_none() {
        return Ok(());
    }
    Err(format!("expected at most {MAX_TEXT} characters, found {}", text.chars().count()))
}

/// A foreign file.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    /// The caption that was given beside it.
    pub(super) prompt: Option<&'a str>,
}

impl Source<'_> {
    /// Reads it as JSON of the shape `T`.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ImportError> {
        parse(self.text, "")
    }

    pub(super) fn is_list(&self) -> bool {
        self.text.trim_start().starts_with('[')
    }

    /// Reads it as one `T` or as a list of them; each comes with what stands before its paths.
    pub(super) fn each<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>, ImportError> {
        if !self.is_list() {
            return Ok(vec![(String::new(), self.json()?)]);
        }
        let all: Vec<T> = self.json()?;
        Ok(all.into_iter().enumerate().map(|(index, one)| (format!("[{index}]."), one)).collect())
    }
}

/// Reads `text`, which stands at `place` of a file, as JSON of the shape `T`.
pub(super) fn parse<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, ImportError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            return ImportError::Json(error);
        }
        let path = match (place, path.as_str()) {
            ("", ".") => "file".into(),
            (place, ".") => place.into(),
            (place, path) => format!("{place}{path}"),
        };
        ImportError::value(path, error.to_string())
    })?;
    json.end().map_err(ImportError::Json)?;
    Ok(value)
}

/// What something is called: a number or a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "NumberOrText")]
pub(super) struct Id(pub(super) String);

/// A number, or a text that is one.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub(super) struct Number(pub(super) f64);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
enum NumberOrText {
    Number(serde_json::Number),
    Text(String),
}

impl From<NumberOrText> for Id {
    fn from(value: NumberOrText) -> Self {
        match value {
            NumberOrText::Number(number) => Self(number.to_string()),
            NumberOrText::Text(text) => Self(text),
        }
    }
}

impl TryFrom<NumberOrText> for Number {
    type Error = String;

    fn try_from(value: NumberOrText) -> Result<Self, String> {
        let Id(text) = value.into();
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Self).ok_or_else(|| format!("expected a number, found `{text}`"))
    }
}

/// A table whose keys are names that somebody gave, in the order of the file.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object in braces")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    check_length(&name).map_err(|reason| A::Error::custom(format!("a name: {reason}")))?;
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}
