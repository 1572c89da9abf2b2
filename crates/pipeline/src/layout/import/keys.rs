//! Which of some keys a JSON text has, wherever in it they stand.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::lmd;

/// Those of `marks` that are keys in `text`; nothing else of it is kept, as it may be a large dataset.
pub(super) fn found<'a>(text: &str, marks: &[&&'a str]) -> Result<HashSet<&'a str>, serde_json::Error> {
    let mut found = HashSet::new();
    let mut json = serde_json::Deserializer::from_str(text);
    Keys { marks, found: &mut found }.deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// Looks through one value.
struct Keys<'a, 'b> {
    marks: &'b [&'b &'a str],
    found: &'b mut HashSet<&'a str>,
}

impl<'a> Keys<'a, '_> {
    fn look_at(&mut self, key: &str) {
        self.found.extend(self.marks.iter().find(|mark| ***mark == key).map(|mark| **mark));
    }

    /// The same for a value inside.
    fn inner(&mut self) -> Keys<'a, '_> {
        Keys { marks: self.marks, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for Keys<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.look_at(&key);
            map.next_value_seed(self.inner())?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self.inner())?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        // What a cache of answers has inside its texts stands for a key.
        if text.contains(lmd::BACKGROUND) {
            self.look_at(lmd::BACKGROUND);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
