//! How single values of a layout stand in its JSON.

/// `number` to 6 decimals, so that what is written is what is meant.
pub(crate) fn six_decimals(number: f64) -> f64 {
    // Beyond that, a double has no 6 decimals.
    if number.abs() >= 1e9 { number } else { (number * 1e6).round() / 1e6 + 0.0 }
}

/// A text, or a list of texts.
pub(crate) mod texts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum Texts {
        One(String),
        Each(Vec<String>),
    }

    pub(crate) fn serialize<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        match texts {
            [one] => one.serialize(serializer),
            each => each.serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(match Texts::deserialize(deserializer)? {
            Texts::One(text) => vec![text],
            Texts::Each(texts) => texts,
        })
    }
}

/// A number to 6 decimals.
pub(crate) mod decimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(super::six_decimals).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::deserialize(deserializer)
    }
}

/// Four numbers to 6 decimals.
pub(crate) mod corners {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(corners: &[f64; 4], serializer: S) -> Result<S::Ok, S::Error> {
        corners.map(super::six_decimals).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 4], D::Error> {
        <[f64; 4]>::deserialize(deserializer)
    }
}

/// A scheduler by its name.
pub(crate) mod scheduler {
    use gligen_schedulers::SchedulerKind;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        kind: &Option<SchedulerKind>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        kind.map(|kind| kind.name()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SchedulerKind>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        name.map(|name| name.parse()).transpose().map_err(D::Error::custom)
    }
}

/// A seed, of which -1 says "any".
pub(crate) mod seed {
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(seed: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        seed.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
        match (number.as_u64(), number.as_i64()) {
            (Some(seed), _) => Ok(Some(seed)),
            (None, Some(-1)) => Ok(None),
            _ => {
                let expected = "a whole number from 0 to 18446744073709551615, or -1 for a random one";
                Err(D::Error::invalid_value(Unexpected::Other(&number.to_string()), &expected))
            }
        }
    }
}

/// Whose numbers to follow.
pub(crate) mod compat {
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Compat;

    pub(crate) fn is_none(compat: &Compat) -> bool {
        *compat == Compat::None
    }

    pub(crate) fn serialize<S: Serializer>(compat: &Compat, serializer: S) -> Result<S::Ok, S::Error> {
        match compat {
            Compat::None => serializer.serialize_none(),
            Compat::Diffusers => "diffusers".serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Compat, D::Error> {
        match Option::<String>::deserialize(deserializer)?.as_deref() {
            None => Ok(Compat::None),
            Some("diffusers") => Ok(Compat::Diffusers),
            Some(other) => Err(D::Error::invalid_value(Unexpected::Str(other), &"`diffusers`")),
        }
    }
}

/// A list of objects, or a list of such lists.
pub(crate) mod object_lists {
    use std::fmt;

    use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
    use serde::de::{Error, MapAccess, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::LayoutObject;

    enum Entry {
        Object(LayoutObject),
        List(Vec<LayoutObject>),
    }

    // By hand, because what serde derives loses the place of an error.
    impl<'de> Deserialize<'de> for Entry {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct EntryVisitor;
            impl<'de> Visitor<'de> for EntryVisitor {
                type Value = Entry;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object in braces or a list of them")
                }

                fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                    LayoutObject::deserialize(MapAccessDeserializer::new(map)).map(Entry::Object)
                }

                fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Entry, A::Error> {
                    Vec::deserialize(SeqAccessDeserializer::new(list)).map(Entry::List)
                }
            }
            deserializer.deserialize_any(EntryVisitor)
        }
    }

    /// Whether no caption has an object.
    pub(crate) fn is_nothing(lists: &[Vec<LayoutObject>]) -> bool {
        lists.iter().all(Vec::is_empty)
    }

    pub(crate) fn serialize<S: Serializer>(
        lists: &[Vec<LayoutObject>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match lists {
            [one] => one.serialize(serializer),
            each => each.serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<LayoutObject>>, D::Error> {
        let (mut objects, mut lists) = (Vec::new(), Vec::new());
        for entry in Vec::deserialize(deserializer)? {
            match entry {
                Entry::Object(object) => objects.push(object),
                Entry::List(list) => lists.push(list),
            }
        }
        match (objects.is_empty(), lists.is_empty()) {
            (false, false) => Err(D::Error::custom("expected objects, or lists of objects, not both")),
            (false, true) => Ok(vec![objects]),
            _ => Ok(lists),
        }
    }
}

/// How a picture is repainted.
pub(crate) mod inpaint_mode {
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::InpaintMode;

    pub(crate) fn serialize<S: Serializer>(
        mode: &Option<InpaintMode>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        mode.map(InpaintMode::name).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<InpaintMode>, D::Error> {
        let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let known = InpaintMode::ALL.into_iter().find(|mode| mode.name() == name);
        let expected = "`model` or `blend`";
        known.map(Some).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&name), &expected))
    }
}
