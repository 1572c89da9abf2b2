//! What was found, written into the documents.

use std::fs;
use std::path::Path;

use super::record::Record;
use super::{plot, table};
use crate::Result;
use crate::process::root;

/// Writes `benches/runs/DATE.json`, the tables of docs/performance.md and README.md, and the plot between them.
pub(super) fn write(record: &Record) -> Result {
    let json = record.json();
    let dates = json["circumstances"].as_object().into_iter().flatten();
    let date = dates.filter_map(|(_, part)| part["date"].as_str()).max().unwrap_or("undated");
    let path = format!("benches/runs/{date}.json");
    fs::create_dir_all(root().join("benches/runs"))?;
    fs::write(root().join(&path), serde_json::to_string_pretty(&json)? + "\n")?;
    fs::write(root().join("docs/pictures/performance.svg"), plot::svg(record))?;
    replace(&root().join("docs/performance.md"), "bench", &table::table(record))?;
    replace(&root().join("docs/performance.md"), "growth", &table::growth(record))?;
    replace(&root().join("README.md"), "bench", &table::short(record))?;
    println!("written: {path}, docs/performance.md, docs/pictures/performance.svg, README.md");
    Ok(())
}

/// Puts `content` between the marks of `name` in the file `path`; an empty one leaves it as it is.
fn replace(path: &Path, name: &str, content: &str) -> Result {
    if content.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let replaced = between(&text, name, content);
    let replaced =
        replaced.ok_or_else(|| format!("{}: no <!-- {name} --> … <!-- /{name} -->", path.display()))?;
    fs::write(path, replaced).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn between(text: &str, name: &str, content: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}{content}{close}{after}"))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = "a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n";
        let replaced = between(text, "bench", "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- bench -->\nnew\n<!-- /bench -->\nb\n");
        assert_eq!(between(&replaced, "bench", "new\n").as_ref(), Some(&replaced));
        assert_eq!(between(text, "growth", "new\n"), None);
    }
}
