//! From a text to the numbers of its tokens, exactly as the reference numbers them.

use std::collections::BTreeMap;
use std::path::Path;

use tokenizers::AddedToken;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{self, Lowercase, NFC, NormalizerWrapper, Replace};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use crate::Error;
use crate::special_tokens::SpecialTokens;
use crate::vocabulary::Vocabulary;

/// What CLIP calls a word: a special token, an English ending, letters, one digit, or a run of anything else but space.
const WORD: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The files of a published tokenizer, those that there are.
///
/// Either `tokenizer_json`, or `vocab` with `merges`; with both, `tokenizer_json` counts. The others are optional: they
/// say how special tokens are written and how long a text may be.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenizerFiles<'a> {
    /// `tokenizer.json`.
    pub tokenizer_json: Option<&'a [u8]>,
    /// `vocab.json`.
    pub vocab: Option<&'a [u8]>,
    /// `merges.txt`.
    pub merges: Option<&'a [u8]>,
    /// `tokenizer_config.json`.
    pub tokenizer_config: Option<&'a [u8]>,
    /// `special_tokens_map.json`.
    pub special_tokens_map: Option<&'a [u8]>,
    /// `added_tokens.json`.
    pub added_tokens: Option<&'a [u8]>,
}

/// A text as the text transformer takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// [`Tokenizer::window`] numbers: the start token, those of the text, the end token, and padding.
    pub ids: Vec<u32>,
    /// The end of the text that did not fit into the window, as it was written, from the start of the first word that
    /// lost a token.
    pub truncated: Option<String>,
}

/// CLIP's tokenizer: lower case, words split into subwords by byte-pair encoding.
///
/// Source: transformers `models/clip/tokenization_clip.py`, `CLIPTokenizer`.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    stages: tokenizers::Tokenizer,
    start: u32,
    end: u32,
    pad: u32,
    highest: u32,
    window: usize,
    /// Words of several tokens, by the first of them: all their tokens.
    words: BTreeMap<u32, Vec<u32>>,
}

impl Tokenizer {
    /// Reads a published folder: `tokenizer.json`, or `vocab.json` and `merges.txt`, and what lies beside them.
    ///
    /// # Errors
    ///
    /// If a file is missing, cannot be read, or contradicts itself.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let read = |name: &str| match std::fs::read(folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path: folder.join(name), source }),
        };
        let (tokenizer_json, vocab, merges) =
            (read("tokenizer.json")?, read("vocab.json")?, read("merges.txt")?);
        if tokenizer_json.is_none() && (vocab.is_none() || merges.is_none()) {
            return Err(Error::NoTokenizer { folder: folder.into() });
        }
        Self::from_files(&TokenizerFiles {
            tokenizer_json: tokenizer_json.as_deref(),
            vocab: vocab.as_deref(),
            merges: merges.as_deref(),
            tokenizer_config: read("tokenizer_config.json")?.as_deref(),
            special_tokens_map: read("special_tokens_map.json")?.as_deref(),
            added_tokens: read("added_tokens.json")?.as_deref(),
        })
    }

    /// From the contents of `vocab.json` and `merges.txt`, with CLIP's usual special tokens and window.
    ///
    /// # Errors
    ///
    /// If a file is malformed.
    pub fn from_parts(vocab: &[u8], merges: &[u8]) -> Result<Self, Error> {
        Self::from_files(&TokenizerFiles {
            vocab: Some(vocab),
            merges: Some(merges),
            ..TokenizerFiles::default()
        })
    }

    /// From the contents of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// If the file is malformed.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        Self::from_files(&TokenizerFiles { tokenizer_json: Some(json), ..TokenizerFiles::default() })
    }

    /// From the contents of all files of a tokenizer.
    ///
    /// # Errors
    ///
    /// If a file is malformed, or the vocabulary is missing.
    pub fn from_files(files: &TokenizerFiles<'_>) -> Result<Self, Error> {
        let mut vocabulary = Vocabulary::read(files)?;
        let special = SpecialTokens::read(files, std::mem::take(&mut vocabulary.added))?;
        let model = vocabulary.into_model(&special.unknown)?;
        let mut stages = tokenizers::Tokenizer::new(model);
        stages.with_normalizer(Some(normalizer()?)).map_err(Error::Tokenizing)?;
        stages.with_pre_tokenizer(Some(pre_tokenizer()?));
        stages.with_decoder(Some(DecoderWrapper::ByteLevel(ByteLevel::default())));

        for (expected, token) in special.added {
            let content = token.content.clone();
            stages.add_tokens([token]).map_err(Error::Tokenizing)?;
            let found = stages.token_to_id(&content);
            if expected.is_some() && expected != found {
                return Err(Error::Tokenizer {
                    file: "added tokens",
                    what: format!("number of `{content}`"),
                    expected: found.map_or("none".into(), |id| id.to_string()),
                    found: expected.map_or("none".into(), |id| id.to_string()),
                });
            }
        }
        let id = |name: &str| {
            stages.token_to_id(name).ok_or_else(|| Error::Tokenizer {
                file: "tokenizer_config.json",
                what: "special token".into(),
                expected: "a text".into(),
                found: format!("`{name}`"),
            })
        };
        Ok(Self {
            start: id(&special.start)?,
            end: id(&special.end)?,
            pad: id(&special.pad)?,
            highest: stages.get_vocab(true).into_values().max().unwrap_or(0),
            window: special.window,
            words: BTreeMap::new(),
            stages,
        })
    }

    /// Adds a word of `count` tokens, and returns their numbers; `None` if it is known already. The tokens are called
    /// `word`, `word_1`, `word_2`, …, and `word` in a text stands for all of them.
    pub(crate) fn add_word(&mut self, word: &str, count: usize) -> Result<Option<Vec<u32>>, Error> {
        let names = (0..count).map(|n| if n == 0 { word.to_owned() } else { format!("{word}_{n}") });
        let mut ids = Vec::with_capacity(count);
        for name in names {
            if name.trim().is_empty() || self.stages.token_to_id(&name).is_some() {
                return Ok(None);
            }
            self.stages.add_tokens([AddedToken::from(name.as_str(), false)]).map_err(Error::Tokenizing)?;
            ids.extend(self.stages.token_to_id(&name));
        }
        self.highest = ids.iter().copied().fold(self.highest, u32::max);
        if let [first, _, ..] = ids[..] {
            self.words.insert(first, ids.clone());
        }
        Ok(Some(ids))
    }

    /// Numbers of every text: 77 for all published CLIP models.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Number of the token that begins every text.
    pub fn start_id(&self) -> u32 {
        self.start
    }

    /// Number of the token that ends every text.
    pub fn end_id(&self) -> u32 {
        self.end
    }

    /// Number of the token that fills the window: the end token in Stable Diffusion 1.x, `!` in 2.x.
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// The highest number of a token.
    pub fn highest_id(&self) -> u32 {
        self.highest
    }

    /// Encodes any text, cut or padded to the window.
    ///
    /// Special tokens that are written out in the text, as `<|endoftext|>`, become special tokens, as in the reference.
    ///
    /// # Errors
    ///
    /// None is known for any text; the library underneath could name one.
    pub fn encode(&self, text: &str) -> Result<Encoding, Error> {
        let encoding = self.stages.encode(text, false).map_err(Error::Tokenizing)?;
        // With the place in the encoding that each comes from.
        let tokens = encoding.get_ids().iter().enumerate().flat_map(|(place, id)| {
            let ids = self.words.get(id).map_or(std::slice::from_ref(id), Vec::as_slice);
            ids.iter().map(move |&id| (id, place))
        });
        let (ids, places): (Vec<u32>, Vec<usize>) = tokens.unzip();
        let room = self.window - 2;
        let kept = ids.len().min(room);
        let padding = self.window - (kept + 2);
        Ok(Encoding {
            ids: std::iter::once(self.start)
                .chain(ids[..kept].iter().copied())
                .chain(std::iter::once(self.end))
                .chain(std::iter::repeat_n(self.pad, padding))
                .collect(),
            truncated: (ids.len() > kept).then(|| lost(text, &encoding, places[kept])),
        })
    }

    /// The text of `ids`, without special tokens: lower case, a space after each word.
    ///
    /// # Errors
    ///
    /// None is known for any ids, those without a token included; the library underneath could name one.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        let text = self.stages.decode(ids, true).map_err(Error::Tokenizing)?;
        Ok(text.replace("</w>", " ").trim().to_string())
    }
}

/// The end of `text` from the word of token `first` on.
fn lost(text: &str, encoding: &tokenizers::Encoding, first: usize) -> String {
    let words = encoding.get_word_ids();
    let of_word = words[..first].iter().rev().take_while(|&&word| word == words[first]).count();
    let (start, _) = encoding.get_offsets()[first - of_word];
    text.get(start..).unwrap_or(text).trim().to_string()
}

/// Canonical composition, runs of white space to one space, lower case.
fn normalizer() -> Result<normalizers::Sequence, Error> {
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".into()), " ").map_err(Error::Tokenizing)?;
    Ok(normalizers::Sequence::new(vec![
        NormalizerWrapper::NFC(NFC),
        NormalizerWrapper::Replace(spaces),
        NormalizerWrapper::Lowercase(Lowercase),
    ]))
}

/// Words, then their bytes as printable characters.
fn pre_tokenizer() -> Result<sequence::Sequence, Error> {
    let words = Split::new(SplitPattern::Regex(WORD.into()), SplitDelimiterBehavior::Removed, true)
        .map_err(Error::Tokenizing)?;
    // The byte level splits words once more, by GPT-2's pattern: no word of the above is changed by it but a special
    // token in capitals.
    let bytes = ByteLevel::default().add_prefix_space(false);
    Ok(sequence::Sequence::new(vec![
        PreTokenizerWrapper::Split(words),
        PreTokenizerWrapper::ByteLevel(bytes),
    ]))
}
