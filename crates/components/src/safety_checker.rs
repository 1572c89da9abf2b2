//! Which pictures not to show.

use gligen_pictures::Picture;

use crate::BoxError;

/// Looks at finished pictures.
pub trait SafetyChecker: Send + Sync {
    /// For each picture whether it should be withheld.
    fn flag(&self, pictures: &[Picture]) -> Result<Vec<bool>, BoxError>;
}
