//! Textual inversions: new words, whose vectors were learned from a few pictures.
//!
//! Source: "An Image is Worth One Word: Personalizing Text-to-Image Generation using Textual Inversion", arXiv 2208.01618;
//! the forms of files and the numbering of tokens as in diffusers `loaders/textual_inversion.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gligen_weights::{Part, Weights};

use crate::{ClipTextConfig, EndToken, Error, Tokenizer};

/// Names under which A1111 keeps the vectors; the word is the name of its file.
const WITHOUT_WORD: [&str; 2] = ["string_to_param.*", "emb_params"];

/// The parameter with a row for each token.
const TABLE: &str = "embeddings.token_embedding.weight";

/// A word that the text encoder shall learn, with one vector or several.
#[derive(Debug, Clone)]
pub struct TextualInversion {
    path: PathBuf,
    token: String,
    /// As many numbers each.
    vectors: Vec<Vec<f32>>,
}

impl TextualInversion {
    /// Reads the file at `path`, safetensors or pickled: diffusers' `{word: vectors}`, or A1111's, in which the word is
    /// the file's name. `token`: another word to use for it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or holds something else than the vectors of one word.
    pub fn open(path: &Path, token: Option<&str>) -> Result<Self, Error> {
        let refused = |problem| Error::TextualInversion { path: path.into(), problem };
        let weights = Weights::open(path)?;
        // Some files hold numbers of tokens besides.
        let is_table = |shape: &[usize]| matches!(shape, &[width] | &[_, width] if width > 1);
        let tables: Vec<_> = weights.tensors().filter(|(_, info)| is_table(&info.shape)).collect();
        let (key, shape) = match tables.as_slice() {
            [(key, info)] => (*key, info.shape.as_slice()),
            tables => {
                let found = match tables {
                    [] => "none".into(),
                    [(a, _), (b, _)] => format!("`{a}` and `{b}`"),
                    tables => format!("{} tensors", tables.len()),
                };
                return Err(refused(format!("expected the vectors of one word, found {found}")));
            }
        };
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let token = match token {
            Some(token) => token.to_owned(),
            None if WITHOUT_WORD.contains(&key) => stem(),
            None => key.to_owned(),
        };
        let width = shape.last().copied().unwrap_or(1);
        let vectors = weights.numbers(key)?.chunks(width).map(<[f32]>::to_vec).collect();
        Ok(Self { path: path.into(), token, vectors })
    }

    /// The word, as it is written in a caption.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// How many tokens of a text it takes.
    pub fn vectors(&self) -> usize {
        self.vectors.len()
    }
}

/// Teaches `words` to the parts of a text encoder: to the tokenizer, to the configuration, and to the weights, which are
/// returned with a row more for each vector.
///
/// # Errors
///
/// A word that the tokenizer knows already, or vectors of another width.
pub fn add_words(
    words: &[TextualInversion],
    config: &mut ClipTextConfig,
    weights: Weights,
    tokenizer: &mut Tokenizer,
) -> Result<Weights, Error> {
    let mut rows = BTreeMap::new();
    for TextualInversion { path, token, vectors } in words {
        let refused = |problem| Error::TextualInversion { path: path.clone(), problem };
        let (expected, found) = (config.hidden_size, vectors.first().map_or(0, Vec::len));
        if expected != found {
            return Err(refused(format!(
                "expected vectors of {expected} numbers, found {found}: it was made for another text encoder"
            )));
        }
        let ids = tokenizer.add_word(token, vectors.len())?;
        let ids = ids.ok_or_else(|| {
            refused(format!("`{token}` is not a new word to the tokenizer: give it another name"))
        })?;
        rows.extend(ids.into_iter().map(|id| id as usize).zip(vectors.iter().cloned()));
    }
    if rows.is_empty() {
        return Ok(weights);
    }
    config.vocab_size = config.vocab_size.max(tokenizer.highest_id() as usize + 1);
    // The end token is no longer the largest.
    if config.eos_token_id == EndToken::Largest {
        config.eos_token_id = EndToken::Id(tokenizer.end_id());
    }
    Ok(weights.with_rows(Part::TextEncoder, TABLE, rows)?)
}
