//! Published configs: what is not computed is refused by the name of its key.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why a published config is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is no JSON, or of another shape than such files are.
    #[error("{file}: {source}")]
    Json {
        /// What errors call the file.
        file: &'static str,
        /// What is wrong, and in which line.
        source: serde_json::Error,
    },
    /// A value that is not computed.
    #[error("{file}: `{key}`: expected {expected}, found {found}")]
    Value {
        /// What errors call the file.
        file: &'static str,
        /// The key.
        key: String,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A key that no model of this kind has; ignoring it could change the numbers.
    #[error("{file}: `{key}` is not known (it is {found})")]
    UnknownKey {
        /// What errors call the file.
        file: &'static str,
        /// The key.
        key: String,
        /// Its value.
        found: String,
    },
}

impl ConfigError {
    /// The value of `key` is `found`, which is not as `expected`.
    pub fn value(file: &'static str, key: &str, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Value { file, key: key.into(), expected: expected.into(), found: found.to_string() }
    }
}

/// Reads the text of a published `file`, as errors call it.
///
/// # Errors
/// [`ConfigError::Json`].
pub fn parse_config<T: DeserializeOwned>(
    file: &'static str,
    text: impl AsRef<[u8]>,
) -> Result<T, ConfigError> {
    serde_json::from_slice(text.as_ref()).map_err(|source| ConfigError::Json { file, source })
}

/// Refuses `rest`, the keys of `file` that a network does not read, but for those of other models with a value that
/// leaves them out: `neutral` has these values as JSON, none where any will do. Keys that begin with an underscore only
/// describe the file.
///
/// # Errors
/// [`ConfigError::UnknownKey`], [`ConfigError::Value`].
pub fn check_rest(
    file: &'static str,
    rest: &Map<String, Value>,
    neutral: &[(&str, &[&str])],
) -> Result<(), ConfigError> {
    for (key, value) in rest.iter().filter(|(key, _)| !key.starts_with('_')) {
        let found = value.to_string();
        let Some((_, values)) = neutral.iter().find(|(name, _)| name == key) else {
            return Err(ConfigError::UnknownKey { file, key: key.clone(), found });
        };
        if !values.is_empty() && !values.contains(&found.as_str()) {
            return Err(ConfigError::value(file, key, values.join(" or "), found));
        }
    }
    Ok(())
}

/// An object of a published JSON file, whose values are read key by key.
#[derive(Debug, Clone)]
pub struct ConfigKeys {
    file: &'static str,
    map: Map<String, Value>,
}

impl ConfigKeys {
    /// Reads the text of a `file`, as errors call it.
    ///
    /// # Errors
    /// [`ConfigError::Json`].
    pub fn parse(file: &'static str, text: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Ok(Self { file, map: parse_config(file, text)? })
    }

    /// The value of `key`; null counts as none.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.get_or_null(key).filter(|value| !value.is_null())
    }

    /// The value of `key` where null is not the same as none.
    pub fn get_or_null(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// The object under `key`, if there is one.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn object(&self, key: &str) -> Result<Option<Self>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { file: self.file, map: map.clone() })),
            Some(_) => Err(self.wrong(key, "an object")),
        }
    }

    /// The object under `key`, `None` if there is a number or nothing.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn object_or_number(&self, key: &str) -> Result<Option<Self>, ConfigError> {
        match self.get(key) {
            Some(Value::Number(_)) => Ok(None),
            _ => self.object(key).map_err(|_| self.wrong(key, "a number or an object")),
        }
    }

    /// The names of all values, sorted; null counts as none.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.map.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// A number of channels or layers; the bound keeps products of two from overflowing.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn size(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        self.whole_number(key, default, 1 << 24)
    }

    /// A side of a picture in pixels; the bound keeps its numbers below a gigabyte.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn side(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        self.whole_number(key, default, 1 << 13)
    }

    fn whole_number(&self, key: &str, default: usize, largest: u64) -> Result<usize, ConfigError> {
        match self.get(key).map(Value::as_u64) {
            None => Ok(default),
            Some(Some(number)) if (1..=largest).contains(&number) => Ok(number as usize),
            Some(_) => Err(self.wrong(key, &format!("a whole number from 1 to {largest}"))),
        }
    }

    /// A number that `is_right`, as `expected` says.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn number(
        &self,
        key: &str,
        default: f64,
        expected: &str,
        is_right: impl Fn(f64) -> bool,
    ) -> Result<f64, ConfigError> {
        match self.get(key).map(Value::as_f64) {
            None => Ok(default),
            Some(Some(number)) if is_right(number) => Ok(number),
            Some(_) => Err(self.wrong(key, expected)),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// The meaning of the text under `key`, one of `meanings`.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn choice<T: Copy>(&self, key: &str, default: T, meanings: &[(&str, T)]) -> Result<T, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let found = meanings.iter().find(|(text, _)| value.as_str() == Some(text));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let texts: Vec<String> = meanings.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            self.wrong(key, &format!("one of {}", texts.join(", ")))
        })
    }

    /// Refuses any value of `key` but `neutral`, with which it changes no numbers.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn refuse_unless(&self, key: &str, neutral: &Value) -> Result<(), ConfigError> {
        match self.get(key) {
            None => Ok(()),
            Some(value) if value == neutral => Ok(()),
            Some(_) if neutral.is_null() => Err(self.wrong(key, "none")),
            Some(_) => Err(self.wrong(key, &neutral.to_string())),
        }
    }

    /// The error that the value of `key` is not as `expected`.
    pub fn wrong(&self, key: &str, expected: &str) -> ConfigError {
        let found = self.map.get(key).map_or("nothing".into(), Value::to_string);
        self.unfit(key, expected.into(), found)
    }

    /// The error that the value of `key`, which may be a default, is not as `expected`.
    pub fn unfit(&self, key: &str, expected: String, found: impl ToString) -> ConfigError {
        ConfigError::value(self.file, key, expected, found)
    }
}
