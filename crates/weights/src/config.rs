//! Published JSON, read key by key, so that an error names the key.

use serde_json::{Map, Value};

use crate::Error;

/// An object of a published JSON file.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    file: &'static str,
    map: Map<String, Value>,
}

impl Keys {
    /// Reads the text of a `file`, as errors call it.
    pub(crate) fn parse(file: &'static str, text: &str) -> Result<Self, Error> {
        let map = serde_json::from_str(text).map_err(|source| Error::Json { file, source })?;
        Ok(Self { file, map })
    }

    /// The value of `key`; null counts as none.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The object under `key`, if there is one.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Self>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { file: self.file, map: map.clone() })),
            Some(_) => Err(self.wrong(key, "an object")),
        }
    }

    /// The object under `key`, `None` if there is a number or nothing.
    pub(crate) fn object_or_number(&self, key: &str) -> Result<Option<Self>, Error> {
        match self.get(key) {
            Some(Value::Number(_)) => Ok(None),
            _ => self.object(key).map_err(|_| self.wrong(key, "a number or an object")),
        }
    }

    /// The names of all values, sorted; null counts as none.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.map.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// A number of channels or layers; the bound keeps products of two from overflowing.
    pub(crate) fn size(&self, key: &str, default: usize) -> Result<usize, Error> {
        self.whole_number(key, default, 1 << 24)
    }

    /// A side of a picture in pixels; the bound keeps its numbers below a gigabyte.
    pub(crate) fn side(&self, key: &str, default: usize) -> Result<usize, Error> {
        self.whole_number(key, default, 1 << 13)
    }

    fn whole_number(&self, key: &str, default: usize, largest: u64) -> Result<usize, Error> {
        match self.get(key).map(Value::as_u64) {
            None => Ok(default),
            Some(Some(number)) if (1..=largest).contains(&number) => Ok(number as usize),
            Some(_) => Err(self.wrong(key, &format!("a whole number from 1 to {largest}"))),
        }
    }

    /// A number that `is_right`, as `expected` says.
    pub(crate) fn number(
        &self,
        key: &str,
        default: f64,
        expected: &str,
        is_right: impl Fn(f64) -> bool,
    ) -> Result<f64, Error> {
        match self.get(key).map(Value::as_f64) {
            None => Ok(default),
            Some(Some(number)) if is_right(number) => Ok(number),
            Some(_) => Err(self.wrong(key, expected)),
        }
    }

    /// True or false.
    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, Error> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// The meaning of the text under `key`, one of `meanings`.
    pub(crate) fn choice<T: Copy>(&self, key: &str, default: T, meanings: &[(&str, T)]) -> Result<T, Error> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let found = meanings.iter().find(|(text, _)| value.as_str() == Some(text));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let texts: Vec<String> = meanings.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            self.wrong(key, &format!("one of {}", texts.join(", ")))
        })
    }

    /// Refuses any value of `key` but `neutral`, with which it changes no numbers.
    pub(crate) fn refuse_unless(&self, key: &str, neutral: &Value) -> Result<(), Error> {
        match self.get(key) {
            None => Ok(()),
            Some(value) if value == neutral => Ok(()),
            Some(_) if neutral.is_null() => Err(self.wrong(key, "none")),
            Some(_) => Err(self.wrong(key, &neutral.to_string())),
        }
    }

    /// The error that the value of `key` is not as `expected`.
    pub(crate) fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.map.get(key).map_or("nothing".into(), Value::to_string);
        self.unfit(key, expected.into(), found)
    }

    /// The error that the value of `key`, which may be a default, is not as `expected`.
    pub(crate) fn unfit(&self, key: &str, expected: String, found: impl ToString) -> Error {
        Error::Config { file: self.file, key: key.into(), expected, found: found.to_string() }
    }
}
