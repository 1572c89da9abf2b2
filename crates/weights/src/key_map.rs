//! Names in the file to names in the module, as a table.

/// Turns the keys of a file into paths of a module's parameters.
///
/// Rules apply one after another in the order they were added, each to what the rules before it made of the key.
/// They work on whole segments, the parts between dots: a rule for `key` leaves `key_proj` alone.
///
/// ```
/// use gligen_weights::KeyMap;
///
/// let map = KeyMap::new()
///     .strip_prefix("text_model.")
///     .rename_segment("proj_attn", "to_out.0")
///     .ignore("position_ids");
/// assert_eq!(map.path("text_model.final_layer_norm.weight").as_deref(), Some("final_layer_norm.weight"));
/// assert_eq!(map.path("mid.proj_attn.bias").as_deref(), Some("mid.to_out.0.bias"));
/// assert_eq!(map.path("embeddings.position_ids"), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyMap {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    Strip(String),
    Only(String),
    Rename(String, String),
    Ignore(String),
}

impl KeyMap {
    /// A map that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `prefix` (with its dot, as `text_model.`) off the keys that have it, and leaves the others alone.
    pub fn strip_prefix(self, prefix: &str) -> Self {
        self.with(Rule::Strip(prefix.into()))
    }

    /// Takes `prefix` off the keys that have it, and ignores the others.
    pub fn only_prefix(self, prefix: &str) -> Self {
        self.with(Rule::Only(prefix.into()))
    }

    /// Replaces the segment `from`, or a run of several as `time_embed.0`, wherever it stands.
    pub fn rename_segment(self, from: &str, to: &str) -> Self {
        self.with(Rule::Rename(from.into(), to.into()))
    }

    /// Leaves out the keys that contain the segment, or the run of segments, `segment`.
    pub fn ignore(self, segment: &str) -> Self {
        self.with(Rule::Ignore(segment.into()))
    }

    /// The path that `key` stands for, `None` if it is left out.
    pub fn path(&self, key: &str) -> Option<String> {
        self.rules.iter().try_fold(key.to_owned(), |key, rule| match rule {
            Rule::Strip(prefix) => Some(key.strip_prefix(prefix.as_str()).map(str::to_owned).unwrap_or(key)),
            Rule::Only(prefix) => key.strip_prefix(prefix.as_str()).map(str::to_owned),
            Rule::Rename(from, to) => Some(rename(&key, from, to)),
            Rule::Ignore(segment) => (!contains(&key, segment)).then_some(key),
        })
    }

    fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// Whether `segment`, one or a run of several, is a part of `key`.
fn contains(key: &str, segment: &str) -> bool {
    format!(".{key}.").contains(&format!(".{segment}."))
}

/// `key` with every run of segments `from` replaced by `to`.
fn rename(key: &str, from: &str, to: &str) -> String {
    let segments: Vec<_> = key.split('.').collect();
    let from: Vec<_> = from.split('.').collect();
    let mut renamed = Vec::new();
    let mut rest = segments.as_slice();
    while let [first, others @ ..] = rest {
        rest = match rest.strip_prefix(from.as_slice()) {
            Some(after) => {
                renamed.push(to);
                after
            }
            None => {
                renamed.push(first);
                others
            }
        };
    }
    renamed.join(".")
}
