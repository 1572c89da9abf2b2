//! Names of models on a hub.

use std::fmt;
use std::str::FromStr;

use crate::HubError;

/// The revision of a name that has none.
const DEFAULT_REVISION: &str = "main";

/// The longest name that a hub gives to a repository.
const MAX_NAME: usize = 96;

/// A model on a hub: `owner/name`, or `owner/name@revision` with a branch, a tag, a commit, or `refs/pr/2` for what a
/// pull request proposes.
///
/// ```
/// use gligen_hub::ModelId;
///
/// let id: ModelId = "masterful/gligen-1-4-generation-text-box@refs/pr/2".parse()?;
/// assert_eq!(id.name(), "masterful/gligen-1-4-generation-text-box");
/// assert_eq!(id.revision(), "refs/pr/2");
/// assert!("no/such/model".parse::<ModelId>().is_err());
/// # Ok::<(), gligen_hub::HubError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelId {
    name: String,
    revision: String,
}

impl ModelId {
    /// Owner and name, with a slash between.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A branch, a tag, a commit, or a reference as `refs/pr/2`; `main` unless said otherwise.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The commit that the revision names, if it is one and needs no look-up.
    pub(crate) fn commit(&self) -> Option<&str> {
        is_commit(&self.revision).then_some(self.revision.as_str())
    }
}

/// Whether `text` is the full name of a commit.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl FromStr for ModelId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let refused = |problem| HubError::ModelId { text: text.into(), problem };
        let (name, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        match name.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {}
            _ => return Err(refused("owner and name are letters, digits and single `-`, `_` or `.`")),
        }
        if name.len() > MAX_NAME {
            return Err(refused("the name is too long"));
        }
        // It becomes a path below the folder `refs`, so it must not lead out of it.
        if !revision.split('/').all(is_segment) {
            return Err(refused("a revision is a branch, a tag, a commit, or as refs/pr/2"));
        }
        Ok(Self { name: name.into(), revision: revision.into() })
    }
}

/// The name without `@main`.
impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.revision == DEFAULT_REVISION { Ok(()) } else { write!(f, "@{}", self.revision) }
    }
}

fn is_name(name: &str) -> bool {
    let end = |c: char| matches!(c, '-' | '.');
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !name.starts_with(end)
        && !name.ends_with(end)
        && !name.contains("--")
        && !name.contains("..")
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
}
