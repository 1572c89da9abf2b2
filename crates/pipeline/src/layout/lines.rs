//! Files with a layout on each line.

/// The lines of `text` that are not empty, each with its number from 1; empty ones count, so that it is also what an
/// editor calls it. A byte-order mark before the first counts for nothing.
pub fn layout_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(without_mark(text).lines()).filter(|(_, line)| !line.trim().is_empty())
}

/// `text` without the byte-order mark that some editors begin it with.
pub fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}
