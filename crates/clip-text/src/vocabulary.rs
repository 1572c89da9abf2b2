//! Subwords with their numbers, and the merges that build them.

use std::collections::HashMap;

use gligen_weights::parse_config;
use serde::Deserialize;
use tokenizers::models::bpe::{BPE, Vocab};

use crate::special_tokens::NumberedToken;
use crate::{Error, TokenizerFiles};

/// Numbers that tokens may have are below this; CLIP has 49 408. The library adds to them without looking for the end.
const MAX_TOKENS: u32 = 1 << 24;

/// A vocabulary as it was published.
pub(crate) struct Vocabulary {
    file: &'static str,
    file_of_merges: &'static str,
    ids: HashMap<String, u32>,
    merges: Vec<(String, String)>,
    /// `added_tokens` of a `tokenizer.json`.
    pub(crate) added: Vec<NumberedToken>,
}

impl Vocabulary {
    /// Reads `tokenizer.json` if there is one, else `vocab.json` and `merges.txt`.
    ///
    /// Of a `tokenizer.json` only vocabulary, merges and added tokens count: the other stages are CLIP's in any case,
    /// as the reference has it.
    pub(crate) fn read(files: &TokenizerFiles<'_>) -> Result<Self, Error> {
        if let Some(json) = files.tokenizer_json {
            return Self::from_json(json);
        }
        let ids = parse_config("vocab.json", files.vocab.unwrap_or_default())?;
        let merges = merges_of_text(files.merges.unwrap_or_default())?;
        Ok(Self { file: "vocab.json", file_of_merges: "merges.txt", ids, merges, added: Vec::new() })
    }

    fn from_json(json: &[u8]) -> Result<Self, Error> {
        let file = "tokenizer.json";
        let TokenizerJson { model, added_tokens } = parse_config(file, json)?;
        if let Some(found) = model.kind.filter(|kind| kind != "BPE") {
            return Err(Error::Tokenizer { file, what: "model.type".into(), expected: "BPE".into(), found });
        }
        let pair = |merge| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Text(text) => split_merge(file, &text),
        };
        let merges = model.merges.into_iter().map(pair).collect::<Result<_, _>>()?;
        Ok(Self { file, file_of_merges: file, ids: model.vocab, merges, added: added_tokens })
    }

    /// CLIP's byte-pair encoding: the last piece of a word ends in `</w>`, and what has no number is `unknown`.
    pub(crate) fn into_model(self, unknown: &str) -> Result<BPE, Error> {
        let missing = |file, what: String, found: &str| Error::Tokenizer {
            file,
            what,
            expected: "a token of the vocabulary".into(),
            found: format!("`{found}`"),
        };
        if !self.ids.contains_key(unknown) {
            return Err(missing(self.file, "unknown token".into(), unknown));
        }
        if let Some((token, id)) = self.ids.iter().find(|(_, id)| **id >= MAX_TOKENS) {
            return Err(Error::Tokenizer {
                file: self.file,
                what: format!("number of `{token}`"),
                expected: format!("less than {MAX_TOKENS}"),
                found: id.to_string(),
            });
        }
        // The library's builder relies on this.
        for (rank, (left, right)) in self.merges.iter().enumerate() {
            for token in [left, right, &format!("{left}{right}")] {
                if !self.ids.contains_key(token) {
                    return Err(missing(self.file_of_merges, format!("merge {}", rank + 1), token));
                }
            }
        }
        BPE::builder()
            .vocab_and_merges(self.ids.into_iter().collect::<Vocab>(), self.merges)
            .unk_token(unknown.into())
            .end_of_word_suffix("</w>".into())
            // The library remembers words for each thread and never forgets them; a caption is too short to gain.
            .cache_capacity(0)
            .build()
            .map_err(Error::Tokenizing)
    }
}

/// Merges, one a line, after an optional line with the format's version.
fn merges_of_text(text: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let file = "merges.txt";
    let text = std::str::from_utf8(text).map_err(|_| Error::Tokenizer {
        file,
        what: "encoding".into(),
        expected: "UTF-8".into(),
        found: "other bytes".into(),
    })?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("#version"));
    lines.map(|line| split_merge(file, line)).collect()
}

fn split_merge(file: &'static str, text: &str) -> Result<(String, String), Error> {
    match text.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.into(), right.into())),
        _ => Err(Error::Tokenizer {
            file,
            what: "merge".into(),
            expected: "two tokens".into(),
            found: format!("`{text}`"),
        }),
    }
}

/// The parts of a `tokenizer.json` that are read.
#[derive(Deserialize)]
struct TokenizerJson {
    model: ModelJson,
    #[serde(default)]
    added_tokens: Vec<NumberedToken>,
}

#[derive(Deserialize)]
struct ModelJson {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
}

/// A merge, in the older and in the newer form.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a merge: two tokens in a list, or in a text with a space between")]
enum Merge {
    Text(String),
    Pair(String, String),
}
