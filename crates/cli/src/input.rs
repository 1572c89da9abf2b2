//! Files that are read: by their names, or from standard input as `-`; and a layout on a line of one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gligen_pipeline::Layout;

use crate::failure::Failure;

/// What error texts call standard input.
const STDIN: &str = "standard input";

/// The most bytes that a file may have: the largest of COCO's has half as many.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The bytes of `path`, of standard input for `-`, and what to call it.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, String), Failure> {
    let mut bytes = Vec::new();
    let mut read_from = |reader: &mut dyn Read| reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    let name = if path == Path::new("-") {
        read_from(&mut io::stdin().lock()).map_err(|source| Failure::System { what: STDIN, source })?;
        STDIN.into()
    } else {
        let file_error = |source| Failure::file(path, source);
        read_from(&mut File::open(path).map_err(file_error)?).map_err(file_error)?;
        path.display().to_string()
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::arguments(
            format!("{name}: larger than {} MiB", MAX_FILE_BYTES >> 20),
            "split it, or take the layouts that you want out of it",
        ));
    }
    Ok((bytes, name))
}

/// The layout on `line`, the `number`-th of its file, which errors call `place`.
pub(crate) fn layout_on_line(place: String, number: usize, line: &str) -> Result<Layout, Failure> {
    Layout::from_json(line)
        // Behind as many line breaks as in the file, so that the error counts as an editor does.
        .or_else(|_| Layout::from_json(&("\n".repeat(number - 1) + line)))
        .map_err(|source| Failure::layout(place, source))
}
