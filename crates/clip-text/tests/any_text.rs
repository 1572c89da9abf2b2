//! What holds for every text, and for every file that claims to be a tokenizer.

use std::sync::LazyLock;

use gligen_clip_text::{ClipTextConfig, Tokenizer, TokenizerFiles};
use gligen_testkit::fixtures;
use proptest::prelude::*;

static TINY: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::load(fixtures().join("tiny-gligen/tokenizer")).unwrap());

/// Any characters, and the short pieces that mean something to the tokenizer.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        2 => "[a-z0-9' ]{0,12}",
        1 => Just("<|endoftext|>".to_string()),
        1 => Just("</w>".to_string()),
        1 => Just("'s".to_string()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    // Failures are written into tests by hand, not into files beside them.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_fills_the_window(text in text()) {
        let encoding = TINY.encode(&text).unwrap();
        prop_assert_eq!(encoding.ids.len(), 77);
        prop_assert_eq!(encoding.ids[0], TINY.start_id());
        prop_assert!(encoding.ids.contains(&TINY.end_id()));
        prop_assert!(encoding.ids.iter().all(|&id| id <= TINY.highest_id()));
        if let Some(lost) = encoding.truncated {
            prop_assert!(!lost.is_empty());
            prop_assert!(text.trim_end().ends_with(&lost));
        }
        TINY.decode(&encoding.ids).unwrap();
    }

    #[test]
    fn words_come_back(words in prop::collection::vec("[a-z]{1,9}|[0-9]|[é猫]|[,.!?]{1,3}", 0..12)) {
        let text = words.join(" ");
        let encoding = TINY.encode(&text).unwrap();
        prop_assume!(encoding.truncated.is_none());
        prop_assert_eq!(TINY.decode(&encoding.ids).unwrap(), text);
    }

    /// White space and case aside, decoding loses nothing that the transformer would see.
    #[test]
    fn decoded_text_has_the_same_ids(text in ".{0,25}") {
        let encoding = TINY.encode(&text).unwrap();
        // Half a character at the cut has no text.
        prop_assume!(encoding.truncated.is_none());
        let decoded = TINY.decode(&encoding.ids).unwrap();
        prop_assert_eq!(TINY.encode(&decoded).unwrap(), encoding);
    }

    #[test]
    fn ids_without_a_token_decode_to_something(ids in prop::collection::vec(any::<u32>(), 0..20)) {
        TINY.decode(&ids).unwrap();
    }

    /// An error or a tokenizer that works, never a panic.
    #[test]
    fn any_bytes_as_files(
        vocab in r#"\{("[a-c]{1,2}(</w>)?":[0-9],){0,6}"<\|endoftext\|>":1\}"#,
        merges in "([a-c]{1,2} [a-c]{1,2}(</w>)?\n){0,4}",
        config in r#"\{("(model_max_length|pad_token|added_tokens_decoder)":("[a-c]?"|[0-9e-]{1,3}|null|\{\}))?\}"#,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        text in text(),
    ) {
        let files = TokenizerFiles {
            vocab: Some(vocab.as_bytes()),
            merges: Some(merges.as_bytes()),
            tokenizer_config: Some(config.as_bytes()),
            ..TokenizerFiles::default()
        };
        if let Ok(tokenizer) = Tokenizer::from_files(&files) {
            tokenizer.encode(&text).unwrap();
        }
        prop_assert!(Tokenizer::from_parts(&bytes, merges.as_bytes()).is_err());
        prop_assert!(Tokenizer::from_json(&bytes).is_err());
        let _ = ClipTextConfig::parse(&bytes);
    }
}
