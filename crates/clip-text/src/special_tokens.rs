//! The special tokens and the window that a published tokenizer declares.
//!
//! They are spread over up to four files, written by many versions of transformers. Which file wins, and in which
//! order tokens are added, decides whether `<|EndOfText|>` in a caption is the end token or nine other tokens, so both are
//! as in transformers 5 (`tokenization_utils_base.py`, `tokenization_utils_tokenizers.py`).

use std::collections::{BTreeMap, HashMap};

use gligen_weights::parse_config;
use serde::Deserialize;
use tokenizers::AddedToken;

use crate::{Error, TokenizerFiles};

/// Tokens of CLIP's text encoder, the window of all published ones.
const CLIP_WINDOW: usize = 77;
/// From here on, `model_max_length` is transformers' way to say that nothing is known.
const NO_LIMIT: f64 = 1e6;

/// Names of the tokens with a meaning, and all tokens to add to the vocabulary, in order.
pub(crate) struct SpecialTokens {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) unknown: String,
    pub(crate) pad: String,
    /// With the number that a file gives to the token, if it does.
    pub(crate) added: Vec<(Option<u32>, AddedToken)>,
    /// Number of tokens that every text is padded or cut to.
    pub(crate) window: usize,
}

impl SpecialTokens {
    /// Reads `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`, and the `added_tokens` of a
    /// `tokenizer.json`.
    pub(crate) fn read(files: &TokenizerFiles<'_>, of_json: Vec<NumberedToken>) -> Result<Self, Error> {
        let config: Config = parse_config("tokenizer_config.json", files.tokenizer_config.unwrap_or(b"{}"))?;
        let mut names: Names =
            parse_config("tokenizer_config.json", files.tokenizer_config.unwrap_or(b"{}"))?;
        let numbered = match config.added_tokens_decoder {
            Some(numbered) => numbered,
            // Only the older form of the configuration leaves anything to the other files.
            None => {
                if let Some(map) = files.special_tokens_map {
                    names = parse_config::<Names>("special_tokens_map.json", map)?.or(names);
                }
                let added = files.added_tokens.unwrap_or(b"{}");
                let added: HashMap<String, u32> = parse_config("added_tokens.json", added)?;
                let mut numbered: BTreeMap<u32, Full> = added
                    .into_iter()
                    .map(|(content, id)| {
                        let special = names.all().any(|token| token.content() == content);
                        (id, Full { special: Some(special), ..Full::plain(content) })
                    })
                    .collect();
                numbered.extend(of_json.into_iter().map(|token| (token.id, token.token)));
                numbered
            }
        };
        for (what, side) in
            [("padding_side", config.padding_side), ("truncation_side", config.truncation_side)]
        {
            if let Some(found) = side.filter(|side| side != "right") {
                let file = "tokenizer_config.json";
                let (expected, found) = ("\"right\"".into(), format!("\"{found}\""));
                return Err(Error::Tokenizer { file, what: what.into(), expected, found });
            }
        }
        let window = match config.model_max_length {
            Some(length) if (2.0..NO_LIMIT).contains(&length) && length.fract() == 0.0 => length as usize,
            Some(length) if length < NO_LIMIT => {
                return Err(Error::Tokenizer {
                    file: "tokenizer_config.json",
                    what: "model_max_length".into(),
                    expected: "a whole number of at least 2".into(),
                    found: length.to_string(),
                });
            }
            _ => CLIP_WINDOW,
        };
        let name = |token: &Option<Token>, otherwise: &str| {
            token.as_ref().map_or(otherwise, Token::content).to_string()
        };
        Ok(Self {
            start: name(&names.bos_token, "<|startoftext|>"),
            end: name(&names.eos_token, "<|endoftext|>"),
            unknown: name(&names.unk_token, "<|endoftext|>"),
            pad: name(&names.pad_token, "<|endoftext|>"),
            added: added(&names, numbered),
            window,
        })
    }
}

/// The numbered tokens, then the named ones that are not among them.
///
/// A name may come twice, as with Stable Diffusion's end token, which is also its padding: the later form wins, as in
/// the reference.
fn added(names: &Names, numbered: BTreeMap<u32, Full>) -> Vec<(Option<u32>, AddedToken)> {
    let defaults = ["<|startoftext|>", "<|endoftext|>", "<|endoftext|>", "<|endoftext|>"];
    let declared = [&names.bos_token, &names.eos_token, &names.unk_token, &names.pad_token];
    let named = declared
        .into_iter()
        .zip(defaults)
        .map(|(token, otherwise)| token.clone().unwrap_or_else(|| Token::Text(otherwise.into())));
    let named: Vec<Token> = named.chain(names.extra().cloned()).collect();

    let is_named = |content: &str| named.iter().any(|token| token.content() == content);
    let is_numbered = |content: &str| numbered.values().any(|token| token.content == content);
    let missing: Vec<AddedToken> =
        named.iter().filter(|token| !is_numbered(token.content())).map(Token::special).collect();
    let mut all = Vec::new();
    for (id, token) in &numbered {
        all.push((Some(*id), token.clone().into_added(is_named(&token.content))));
    }
    all.extend(missing.into_iter().map(|token| (None, token)));
    all
}

/// The part of `tokenizer_config.json` that matters beside the names.
#[derive(Deserialize)]
struct Config {
    // Transformers writes 1e30 where it knows no limit, which is no integer type's.
    model_max_length: Option<f64>,
    padding_side: Option<String>,
    truncation_side: Option<String>,
    added_tokens_decoder: Option<BTreeMap<u32, Full>>,
}

/// Tokens by their meaning, in `tokenizer_config.json` and in `special_tokens_map.json`.
#[derive(Deserialize)]
struct Names {
    bos_token: Option<Token>,
    eos_token: Option<Token>,
    unk_token: Option<Token>,
    pad_token: Option<Token>,
    additional_special_tokens: Option<Vec<Token>>,
    extra_special_tokens: Option<Vec<Token>>,
}

impl Names {
    /// These, and from `other` what these leave open.
    fn or(self, other: Self) -> Self {
        Self {
            bos_token: self.bos_token.or(other.bos_token),
            eos_token: self.eos_token.or(other.eos_token),
            unk_token: self.unk_token.or(other.unk_token),
            pad_token: self.pad_token.or(other.pad_token),
            additional_special_tokens: self.additional_special_tokens.or(other.additional_special_tokens),
            extra_special_tokens: self.extra_special_tokens.or(other.extra_special_tokens),
        }
    }

    fn extra(&self) -> impl Iterator<Item = &Token> {
        self.additional_special_tokens.iter().chain(&self.extra_special_tokens).flatten()
    }

    fn all(&self) -> impl Iterator<Item = &Token> {
        let named = [&self.bos_token, &self.eos_token, &self.unk_token, &self.pad_token];
        named.into_iter().flatten().chain(self.extra())
    }
}

/// A token as its text alone, or with its rules.
#[derive(Deserialize, Clone)]
#[serde(untagged, expecting = "a token's text, or an object with its `content`")]
enum Token {
    Text(String),
    Full(Full),
}

impl Token {
    fn content(&self) -> &str {
        match self {
            Self::Text(content) => content,
            Self::Full(full) => &full.content,
        }
    }

    fn special(&self) -> AddedToken {
        match self {
            Self::Text(content) => AddedToken::from(content, true),
            Self::Full(full) => full.clone().into_added(true),
        }
    }
}

/// A token with the rules by which it is found in a text.
#[derive(Deserialize, Clone)]
struct Full {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    special: Option<bool>,
}

impl Full {
    fn plain(content: String) -> Self {
        Self { content, single_word: false, lstrip: false, rstrip: false, normalized: None, special: None }
    }

    fn into_added(self, named: bool) -> AddedToken {
        let special = named || self.special.unwrap_or(false);
        AddedToken {
            content: self.content,
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            normalized: self.normalized.unwrap_or(!special),
            special,
        }
    }
}

/// An entry of `added_tokens` in a `tokenizer.json`.
#[derive(Deserialize)]
pub(crate) struct NumberedToken {
    id: u32,
    #[serde(flatten)]
    token: Full,
}
