//! Which pictures of a line are there already.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use gligen_pipeline::{LAYOUT_KEYWORD, Layout, PARAMETERS_KEYWORD, read_png_texts};

use super::planned::Planned;
use crate::failure::Failure;

/// Whether all pictures of `planned` are there. A line without a seed takes that of the first that is, so that the rest
/// of them belong to it.
///
/// # Errors
/// There is something else under the name of one, unless it may be overwritten.
pub(super) fn are_there(planned: &mut Planned, may_overwrite: bool) -> Result<bool, Failure> {
    let mut has_seed = planned.asked.layout.seed.is_some();
    let mut all = true;
    for (number, path) in planned.asked.target.paths(planned.kept.len()).into_iter().enumerate() {
        if !path.exists() {
            all = false;
            continue;
        }
        let index = planned.kept[number];
        let texts = texts(&path)?;
        if !has_seed && let Some(seed) = seed(&texts) {
            let ahead = planned.plan.seeds()[index].wrapping_sub(planned.plan.request.seed);
            planned.plan.request.seed = seed.wrapping_sub(ahead);
            has_seed = true;
        }
        let is_told = |(key, text): (&str, String)| {
            texts.iter().any(|(found, told)| found == key && is_same(key, told, &text))
        };
        if !planned.texts(index).into_iter().all(is_told) {
            if !may_overwrite {
                return Err(Failure::arguments(
                    format!("{} is there, but is not what this line draws", path.display()),
                    "move it away, choose other names with --output, or draw over it with --overwrite",
                ));
            }
            all = false;
        }
    }
    Ok(all)
}

/// What the file `path` says; nothing if it is no picture.
fn texts(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let file = File::open(path).map_err(|source| Failure::file(path, source))?;
    Ok(read_png_texts(BufReader::new(file)).unwrap_or_default())
}

fn seed(texts: &[(String, String)]) -> Option<u64> {
    let (_, text) = texts.iter().find(|(key, _)| key == LAYOUT_KEYWORD)?;
    Layout::from_json(text).ok()?.seed
}

/// Whether two pictures say the same under `key`, whatever version of this program drew them, which is said last.
fn is_same(key: &str, told: &str, text: &str) -> bool {
    let whatever_version = |text| match key {
        PARAMETERS_KEYWORD => str::rsplit_once(text, ", Version: ").map_or(text, |(before, _)| before),
        _ => text,
    };
    whatever_version(told) == whatever_version(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_differ_and_nothing_else() {
        let parameters = |told, text| is_same(PARAMETERS_KEYWORD, told, text);
        assert!(parameters("a cat\nModel: x, Version: 1", "a cat\nModel: x, Version: 2"));
        assert!(!parameters("a cat\nModel: x, Version: 1", "a cat\nModel: y, Version: 1"));
        assert!(!parameters("a, Version: 1\nModel: x, Version: 1", "a, Version: 2\nModel: x, Version: 1"));
        assert!(!is_same(LAYOUT_KEYWORD, r#"{"prompt":"a, Version: 1"}"#, r#"{"prompt":"a, Version: 2"}"#));
    }
}
