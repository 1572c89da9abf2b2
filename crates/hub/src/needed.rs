//! Which files of a repository a model needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Names that weights have, without their ending.
const STEMS: [&str; 3] = ["diffusion_pytorch_model", "model", "pytorch_model"];

/// Endings of the weights that are fetched, in order of preference: as `gligen-weights` has it, so that what is fetched
/// is what will be opened.
pub const FILE_ENDINGS: [&str; 8] = [
    ".safetensors",
    ".safetensors.index.json",
    ".bin",
    ".bin.index.json",
    ".fp16.safetensors",
    ".safetensors.index.fp16.json",
    ".fp16.bin",
    ".bin.index.fp16.json",
];

/// What a folder of a model holds.
#[derive(Clone, Copy)]
enum Part {
    /// A config and weights.
    Network,
    /// A vocabulary, in one file or in two.
    Tokenizer,
    /// Files that are small and few, all of them by these names.
    Files(&'static [&'static str]),
}

/// Folders that only some models have. They come first, so that a model that has all of [`REQUIRED`] has these too.
const OPTIONAL: [(&str, Part); 5] = [
    ("image_encoder", Part::Network),
    ("image_project", Part::Network),
    ("safety_checker", Part::Network),
    ("feature_extractor", Part::Files(&["preprocessor_config.json"])),
    ("processor", Part::Files(&["preprocessor_config.json"])),
];

/// Folders that every model has.
const REQUIRED: [(&str, Part); 5] = [
    ("scheduler", Part::Files(&["scheduler_config.json"])),
    ("tokenizer", Part::Tokenizer),
    ("text_encoder", Part::Network),
    ("vae", Part::Network),
    ("unet", Part::Network),
];

/// Paths of the files that a model needs, of those for which `has` says that there are; else what is missing.
///
/// An index of weights is among them, but not the files that it names: those tells [`shards`].
pub(crate) fn files(has: impl Fn(&str) -> bool) -> Result<Vec<String>, Vec<String>> {
    let mut needed = Vec::new();
    let mut missing = Vec::new();
    for (folder, part) in OPTIONAL {
        needed.extend(of_part(folder, part, &has).unwrap_or_default());
    }
    needed.extend(has("model_index.json").then(|| "model_index.json".into()));
    for (folder, part) in REQUIRED {
        match of_part(folder, part, &has) {
            Ok(files) => needed.extend(files),
            Err(lacks) => missing.extend(lacks),
        }
    }
    if missing.is_empty() { Ok(needed) } else { Err(missing) }
}

fn of_part(folder: &str, part: Part, has: &impl Fn(&str) -> bool) -> Result<Vec<String>, Vec<String>> {
    let paths = |names: &[&str]| names.iter().map(|name| format!("{folder}/{name}")).collect::<Vec<_>>();
    let (needed, wanted) = match part {
        Part::Files(names) => (paths(names), Vec::new()),
        Part::Tokenizer => {
            let whole = "tokenizer.json";
            let in_two = ["vocab.json", "merges.txt"];
            let in_one = has(&format!("{folder}/{whole}"));
            let needed = if in_one { paths(&[whole]) } else { paths(&in_two) };
            (needed, paths(&["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]))
        }
        Part::Network => {
            let names = FILE_ENDINGS
                .iter()
                .flat_map(|end| STEMS.iter().map(move |stem| format!("{folder}/{stem}{end}")));
            let weights = names.into_iter().find(|path| has(path));
            let mut needed = paths(&["config.json"]);
            needed.push(weights.unwrap_or_else(|| format!("weights in {folder}")));
            (needed, Vec::new())
        }
    };
    let missing: Vec<_> = needed.iter().filter(|path| !has(path)).cloned().collect();
    let wanted = wanted.into_iter().filter(|path| has(path));
    if missing.is_empty() { Ok(needed.into_iter().chain(wanted).collect()) } else { Err(missing) }
}

/// Whether `file` is an index that names files of weights beside it.
pub(crate) fn is_index(file: &str) -> bool {
    FILE_ENDINGS.iter().any(|ending| ending.contains(".index.") && file.ends_with(ending))
}

/// Paths of the files that the index `file`, with this `text`, names.
pub(crate) fn shards(file: &str, text: &str) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_str(text).map_err(|error| format!("not an index: {error}"))?;
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    let shard = |name: String| match is_plain(&name) {
        true => Ok(format!("{folder}/{name}")),
        false => Err(format!("expected names of files beside it, found `{name}`")),
    };
    names.into_iter().map(shard).collect()
}

/// Whether `path` stays where it is put, on any system.
pub(crate) fn is_path(path: &str) -> bool {
    path.split('/').all(is_plain)
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':']) && !name.contains(char::is_control)
}
