//! `cargo xtask tidy`: what the compiler does not check and reviewers forget.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Result;
use crate::process::{cargo, output, root};

/// Folders with Rust files of ours.
const FOLDERS: [&str; 5] = ["crates", "benches", "fuzz", "tests", "xtask"];

/// Lines that a file may have, and from how many on it is mentioned.
const MAX_LINES: usize = 600;
const MANY_LINES: usize = 400;

/// Names under which unrelated things meet.
const VAGUE: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

/// Libraries that may say `unsafe`: the CPU kernels, and the memory map of the weights.
const UNSAFE: [&str; 2] = ["crates/kernels/src/lib.rs", "crates/weights/src/lib.rs"];

/// Runs all checks and reports everything they found.
pub(crate) fn run() -> Result {
    let files = rust_files()?;
    let mut findings = Vec::new();
    for path in &files {
        let shown = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path).map_err(|e| format!("{shown}: {e}"))?;
        findings.extend(of_file(&shown, &text));
        let lines = text.lines().count();
        if (MANY_LINES + 1..=MAX_LINES).contains(&lines) {
            eprintln!("note: {shown} has {lines} lines; does it hold one idea?");
        }
    }
    let metadata = serde_json::from_str(&output(&mut cargo("metadata --no-deps --format-version 1"))?)?;
    let path = root().join("ARCHITECTURE.md");
    let architecture = fs::read_to_string(&path).map_err(|e| format!("ARCHITECTURE.md: {e}"))?;
    findings.extend(of_dependencies(&architecture, &metadata)?);

    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() { Ok(()) } else { Err(format!("tidy: {} findings", findings.len()).into()) }
}

fn rust_files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What is wrong with one file.
fn of_file(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(format!("{path}: does not open with a `//!` that names its idea"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        findings.push(format!("{path}: {lines} lines, at most {MAX_LINES}: split it by ideas"));
    }
    if let Some(vague) =
        Path::new(path).with_extension("").iter().find(|part| VAGUE.iter().any(|v| part == v))
    {
        findings.push(format!("{path}: `{}` says nothing about what is inside", vague.display()));
    }
    let root_of_crate = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    if root_of_crate && !UNSAFE.contains(&path) && !text.contains("#![forbid(unsafe_code)]") {
        findings.push(format!("{path}: lacks `#![forbid(unsafe_code)]`"));
    }
    findings
}

/// Where ARCHITECTURE.md's table and the manifests differ on who leans on whom.
///
/// The table stands between `<!-- crates -->` and `<!-- /crates -->`; its first column is a crate without
/// `gligen-`, its last the crates of the workspace that it depends on (tests aside).
fn of_dependencies(architecture: &str, metadata: &Value) -> Result<Vec<String>> {
    let table = architecture
        .split_once("<!-- crates -->")
        .and_then(|(_, rest)| rest.split_once("<!-- /crates -->"))
        .ok_or("ARCHITECTURE.md: no `<!-- crates -->` … `<!-- /crates -->`")?
        .0;
    // The heading and the line below it come first.
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut told: Vec<(String, String)> = rows.filter_map(row).collect();
    told.sort();
    let mut real = dependencies(metadata)?;
    real.sort();
    let differ = |kind: &str, (name, uses): &(String, String)| {
        format!("ARCHITECTURE.md: {kind}: {name} leans on {}", if uses.is_empty() { "nothing" } else { uses })
    };
    let stale = told.iter().filter(|row| !real.contains(row)).map(|row| differ("the table is wrong", row));
    let absent = real.iter().filter(|row| !told.contains(row)).map(|row| differ("the manifests say", row));
    Ok(stale.chain(absent).collect())
}

/// First and last cell of a row of a table.
fn row(line: &str) -> Option<(String, String)> {
    let mut cells = line.trim().trim_matches('|').split('|').map(|cell| cell.replace('`', ""));
    let name = cells.next()?.trim().to_owned();
    let mut uses: Vec<String> = words(&cells.next_back()?).collect();
    uses.sort();
    Some((name, uses.join(", ")))
}

fn words(cell: &str) -> impl Iterator<Item = String> {
    cell.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty() && word != "–")
}

/// Every crate of the workspace with those of the workspace that it depends on, dev-dependencies aside.
fn dependencies(metadata: &Value) -> Result<Vec<(String, String)>> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let short = |value: &Value| Some(value.as_str()?.strip_prefix("gligen-")?.to_owned());
    // Tests and benchmarks may lean on everything.
    let crates =
        packages.iter().filter(|p| p["manifest_path"].as_str().is_some_and(|p| p.contains("/crates/")));
    let rows = crates.filter_map(|package| {
        let dependencies = package["dependencies"].as_array()?.iter();
        let mut uses: Vec<String> =
            dependencies.filter(|d| d["kind"].is_null()).filter_map(|d| short(&d["name"])).collect();
        uses.sort();
        Some((short(&package["name"])?, uses.join(", ")))
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{of_dependencies, of_file, run};

    #[test]
    fn the_workspace_is_tidy() {
        run().unwrap();
    }

    #[test]
    fn a_file_is_told_what_is_wrong_with_it() {
        let long = "fn f() {}\n".repeat(601);
        let findings = of_file("crates/nn/src/utils/lib.rs", &long);
        assert_eq!(findings.len(), 3, "{findings:#?}");
        assert_eq!(of_file("crates/nn/src/lib.rs", "//! Blocks.\n").len(), 1);
        assert_eq!(of_file("crates/kernels/src/lib.rs", "//! Kernels.\n"), [""; 0]);
    }

    #[test]
    fn an_arrow_that_the_table_does_not_show_is_found() {
        let table = "<!-- crates -->\n| crate | holds | leans on |\n|---|---|---|\n| `nn` | blocks | `kernels` |\n<!-- /crates -->";
        let metadata = |uses: &str| {
            let dependency = json!({"name": uses, "kind": null});
            let dependencies = json!([dependency, {"name": "burn", "kind": null}]);
            let manifest = "/crates/nn/Cargo.toml";
            json!({"packages": [{"name": "gligen-nn", "manifest_path": manifest, "dependencies": dependencies}]})
        };
        assert_eq!(of_dependencies(table, &metadata("gligen-kernels")).unwrap(), [""; 0]);
        assert_eq!(of_dependencies(table, &metadata("gligen-pipeline")).unwrap().len(), 2);
    }
}
