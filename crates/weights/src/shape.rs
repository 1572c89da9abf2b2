//! When two shapes are the same.

/// `shape` without the axes of length 1 at its end.
pub(crate) fn significant(shape: &[usize]) -> &[usize] {
    let len = shape.iter().rposition(|&length| length != 1).map_or(0, |last| last + 1);
    &shape[..len]
}
