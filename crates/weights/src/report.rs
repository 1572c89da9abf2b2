//! What did not fit when a module was filled.

use std::fmt;

use crate::Dtype;

/// How many names of each kind are printed.
const SHOWN: usize = 10;

/// All that is wrong between a file and a module. Lists are sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// How many parameters were filled without complaint.
    pub loaded: usize,
    /// Parameters that the file has nothing for, as paths in the module.
    pub missing: Vec<String>,
    /// Tensors that the module has no parameter for, as keys of the file.
    pub unused: Vec<String>,
    /// Tensors of another shape than the parameter.
    pub misshapen: Vec<Misshapen>,
    /// Tensors that hold no floating-point numbers.
    pub not_float: Vec<NotFloat>,
    /// Tensors with infinities or NaN.
    pub non_finite: Vec<NonFinite>,
}

/// A tensor of another shape than its parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Path in the module.
    pub key: String,
    /// Shape of the parameter.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

/// A tensor of a type that parameters do not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFloat {
    /// Path in the module.
    pub key: String,
    /// Type in the file.
    pub found: Dtype,
}

/// A tensor with numbers that no computation survives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonFinite {
    /// Path in the module.
    pub key: String,
    /// How many of its numbers are infinite or NaN, as f32.
    pub count: usize,
    /// How many it has.
    pub of: usize,
}

impl LoadReport {
    /// Whether everything fitted.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty()
            && self.unused.is_empty()
            && self.misshapen.is_empty()
            && self.not_float.is_empty()
            && self.non_finite.is_empty()
    }

    /// How many parameters the module has.
    pub(crate) fn parameters(&self) -> usize {
        let wrong = self.missing.len() + self.misshapen.len() + self.not_float.len() + self.non_finite.len();
        self.loaded + wrong
    }

    pub(crate) fn sort(&mut self) {
        self.missing.sort();
        self.unused.sort();
        self.misshapen.sort_by(|a, b| a.key.cmp(&b.key));
        self.not_float.sort_by(|a, b| a.key.cmp(&b.key));
        self.non_finite.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

impl fmt::Display for LoadReport {
    /// Counts, then the first ten of each kind, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.misshapen.len(), "misshapen"),
            (self.missing.len(), "missing"),
            (self.unused.len(), "unused"),
            (self.not_float.len(), "not floating-point"),
            (self.non_finite.len(), "not finite"),
        ];
        let counts: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        write!(f, "tensors do not fit the network: {} ({} fit)", counts.join(", "), self.loaded)?;

        list(f, "misshapen", &self.misshapen, |f, Misshapen { key, expected, found }| {
            write!(f, "{key}: expected {expected:?}, found {found:?}")
        })?;
        list(f, "missing", &self.missing, |f, key| f.write_str(key))?;
        list(f, "unused", &self.unused, |f, key| f.write_str(key))?;
        list(f, "not floating-point", &self.not_float, |f, NotFloat { key, found }| {
            write!(f, "{key}: expected floating-point numbers, found {found}")
        })?;
        list(f, "not finite", &self.non_finite, |f, NonFinite { key, count, of }| {
            write!(f, "{key}: {count} of {of} numbers are infinite or NaN")
        })
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    items: &[T],
    one: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for item in items.iter().take(SHOWN) {
        write!(f, "\n  {what} ")?;
        one(f, item)?;
    }
    match items.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, "\n  {what} … and {more} more"),
    }
}
