//! What the built-in model can draw, and what it takes an unknown word for.

use std::sync::LazyLock;

/// The one place where the things are listed: the model's own description.
const DESCRIPTION: &str = include_str!("../../../fixtures/tiny-gligen/README.md");

/// Words of the captions that it was trained on, beside the names of things and backgrounds.
const CAPTION_WORDS: [&str; 9] = ["a", "an", "the", "and", "on", "with", "of", "background", "plain"];

/// How alike a name must be, 0 to 1, to be worth naming.
const ALIKE: f64 = 0.7;

/// How many known ones a warning names.
const NEAREST: usize = 3;

static THINGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| listed("things"));
static BACKGROUNDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| listed("backgrounds"));

/// The things that the built-in model draws.
pub(crate) fn things() -> &'static [&'static str] {
    &THINGS
}

/// The backgrounds that it draws them on.
pub(crate) fn backgrounds() -> &'static [&'static str] {
    &BACKGROUNDS
}

/// The end of the help of `generate`: what can be drawn without another model.
pub(crate) fn help() -> String {
    format!(
        "The built-in model draws {} things:\n  {}\non {} plain backgrounds:\n  {}\n\
         in captions such as \"a cat and a red apple on a light blue background\".",
        THINGS.len(),
        THINGS.join(", "),
        BACKGROUNDS.len(),
        BACKGROUNDS.join(", "),
    )
}

/// Warnings about what the built-in model has not learnt.
pub(crate) fn unknown<'a>(
    prompts: impl IntoIterator<Item = &'a String>,
    phrases: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for phrase in phrases {
        let noun = without_article(phrase);
        if !THINGS.iter().any(|thing| without_article(thing) == noun) {
            warnings.push(warning("phrase", phrase, nearest(&noun, THINGS.iter().copied())));
        }
    }
    let known_words: Vec<&str> = THINGS
        .iter()
        .chain(BACKGROUNDS.iter())
        .flat_map(|name| name.split(' '))
        .chain(CAPTION_WORDS)
        .collect();
    for prompt in prompts {
        for word in prompt.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let lower = word.to_lowercase();
            if !known_words.contains(&lower.as_str()) {
                let names = THINGS.iter().chain(BACKGROUNDS.iter()).copied();
                warnings.push(warning("word", word, nearest(&lower, names)));
            }
        }
    }
    warnings.dedup();
    warnings
}

fn warning(kind: &str, unknown: &str, nearest: Vec<&str>) -> String {
    let advice = match nearest.as_slice() {
        [] => "`gligen generate --help` lists what it knows".to_string(),
        names => format!("the nearest it knows: {}", names.join(", ")),
    };
    format!("the built-in model has not learnt the {kind} `{unknown}`; {advice}")
}

/// The names most like `text`, the most alike first.
fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let likeness = |name: &str| {
        let noun = without_article(name);
        // The whole name or any word of it: `pizza` is near `a slice of pizza`.
        let words = noun.split(' ').map(|word| strsim::jaro_winkler(text, word));
        words.fold(strsim::jaro_winkler(text, &noun), f64::max)
    };
    let mut names: Vec<_> =
        names.map(|name| (likeness(name), name)).filter(|(alike, _)| *alike >= ALIKE).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0)); // stable: the order of the list among equals
    names.into_iter().take(NEAREST).map(|(_, name)| name).collect()
}

fn without_article(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let noun = ["a ", "an ", "the "].iter().find_map(|article| lower.strip_prefix(article));
    noun.map_or(lower.clone(), |noun| noun.trim_start().to_string())
}

/// The list that the description gives in the line `- NAME: …`.
fn listed(name: &str) -> Vec<&'static str> {
    let line =
        DESCRIPTION.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_default().split(", ").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_those_of_the_description() {
        assert_eq!((THINGS.len(), BACKGROUNDS.len()), (48, 12));
        assert!(THINGS.contains(&"an alarm clock") && BACKGROUNDS.contains(&"light blue"));
    }

    #[test]
    fn what_is_known_needs_no_warning() {
        let prompt = "A cat, the dog and a slice of pizza on a light blue background".to_string();
        assert!(unknown([&prompt], ["a cat", "Dog", "the sun"]).is_empty());
    }

    #[test]
    fn what_is_not_known_gets_the_nearest() {
        let prompt = "a kat on a violet background".to_string();
        insta::assert_snapshot!(unknown([&prompt], ["a kat", "pizza", "a dragn", "x"]).join("\n"));
    }
}
