//! The reference's numbers, text by text, from every published form of a tokenizer.

use gligen_clip_text::{Tokenizer, TokenizerFiles};
use gligen_testkit::fixtures;
use serde::Deserialize;
use serde_json::{Value, json};

const VOCAB: &[u8] = include_bytes!("../../../fixtures/tiny-gligen/tokenizer/vocab.json");
const MERGES: &[u8] = include_bytes!("../../../fixtures/tiny-gligen/tokenizer/merges.txt");

#[derive(Deserialize)]
struct Stored {
    text: String,
    /// Of the whole text.
    ids: Vec<u32>,
    /// Cut or padded.
    ids_77: Vec<u32>,
}

#[test]
fn real_vocabulary() {
    assert_stored("tokenizer_ids.json", &Tokenizer::load(fixtures().join("clip-tokenizer")).unwrap());
}

#[test]
fn small_vocabulary_in_two_files() {
    let tokenizer = Tokenizer::load(fixtures().join("tiny-gligen/tokenizer")).unwrap();
    assert_stored("tiny_tokenizer_ids.json", &tokenizer);
}

#[test]
fn small_vocabulary_in_one_file() {
    let tokenizer = Tokenizer::load(fixtures().join("tiny-tokenizer-json")).unwrap();
    assert_stored("tiny_tokenizer_ids.json", &tokenizer);
}

#[test]
fn small_vocabulary_in_memory() {
    assert_stored("tiny_tokenizer_ids.json", &Tokenizer::from_parts(VOCAB, MERGES).unwrap());
    let json = std::fs::read(fixtures().join("tiny-tokenizer-json/tokenizer.json")).unwrap();
    assert_stored("tiny_tokenizer_ids.json", &Tokenizer::from_json(&json).unwrap());
}

fn assert_stored(file: &str, tokenizer: &Tokenizer) {
    let stored: Vec<Stored> = serde_json::from_slice(&std::fs::read(fixtures().join(file)).unwrap()).unwrap();
    assert!(stored.len() > 10);
    for Stored { text, ids, ids_77 } in stored {
        let encoding = tokenizer.encode(&text).unwrap();
        assert_eq!(encoding.ids, ids_77, "{text:?}");
        assert_eq!(encoding.truncated.is_some(), ids.len() > 77, "{text:?}");
    }
}

/// Merges were texts with a space before they became lists.
#[test]
fn older_form_of_merges() {
    let json = std::fs::read(fixtures().join("tiny-tokenizer-json/tokenizer.json")).unwrap();
    let mut json: Value = serde_json::from_slice(&json).unwrap();
    for merge in json["model"]["merges"].as_array_mut().unwrap() {
        *merge = json!(format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()));
    }
    let tokenizer = Tokenizer::from_json(json.to_string().as_bytes()).unwrap();
    assert_stored("tiny_tokenizer_ids.json", &tokenizer);
}

/// How a special token is declared decides whether its name in capitals counts; the numbers are transformers 5.23's.
#[test]
fn declarations_of_special_tokens() {
    let text = "Hello <|EndOfText|> x <|endoftext|>y!";
    let as_words = [1188, 75, 334, 27, 347, 892, 586, 69, 604, 902, 91, 285, 343, 1502, 344, 256];
    let as_token = [1188, 75, 334, 1502, 343, 1502, 344];
    let with_pad = |ids: &[u32], pad: u32| [ids, &[pad]].concat();

    // Of Stable Diffusion 1.4: the end token is declared normalized, and then once more, as padding, is not.
    let v1 = json!({
        "bos_token": token("<|startoftext|>", true), "eos_token": token("<|endoftext|>", true),
        "unk_token": token("<|endoftext|>", true), "pad_token": "<|endoftext|>",
    });
    // Of Stable Diffusion 2: padding is another token.
    let v2 = json!({
        "bos_token": token("<|startoftext|>", true), "eos_token": token("<|endoftext|>", true),
        "unk_token": token("<|endoftext|>", true), "pad_token": "!",
    });
    let plain = json!({ "eos_token": "<|endoftext|>", "pad_token": "!" });
    // Of newer files: one table with all rules, and names beside it.
    let table = json!({
        "added_tokens_decoder": {
            "0": token("!", false), "1501": token("<|startoftext|>", true), "1502": token("<|endoftext|>", true),
        },
        "pad_token": "!",
    });
    let nothing = json!({});
    let config = json!({ "model_max_length": 77, "pad_token": "<|endoftext|>", "do_lower_case": true });
    for (name, map, config, pad, expected) in [
        ("v1", &v1, &config, 1502, as_words.to_vec()),
        ("v1 in the configuration alone", &nothing, &v1, 1502, as_words.to_vec()),
        ("v2", &v2, &config, 0, with_pad(&as_token, 0)),
        ("plain", &plain, &config, 0, with_pad(&as_words[..15], 0)),
        ("the table wins", &plain, &table, 0, with_pad(&as_token, 0)),
        ("nothing", &nothing, &nothing, 1502, as_words.to_vec()),
    ] {
        let tokenizer = tiny(map, config, &nothing);
        assert_eq!(tokenizer.pad_id(), pad, "{name}");
        let ids = tokenizer.encode(text).unwrap().ids;
        assert_eq!(ids.len(), 77, "{name}");
        let (found, rest) = ids.split_at(expected.len() + 1);
        assert_eq!(found[1..], expected, "{name}");
        assert_eq!(rest[0], 1502, "{name}");
        assert!(rest[1..].iter().all(|&id| id == pad), "{name}");
    }
}

/// Learned words (textual inversion) come as added tokens, from either place.
#[test]
fn learned_words() {
    let nothing = json!({});
    let table = json!({ "added_tokens_decoder": {
        "1501": token("<|startoftext|>", true), "1502": token("<|endoftext|>", false), "1503": token("<cat-toy>", true),
    }});
    for tokenizer in
        [tiny(&nothing, &nothing, &json!({ "<cat-toy>": 1503 })), tiny(&nothing, &table, &nothing)]
    {
        assert_eq!(tokenizer.highest_id(), 1503);
        let ids = tokenizer.encode("a <cat-toy> B<Cat-Toy>s!").unwrap().ids;
        assert_eq!(ids[..8], [1501, 320, 1503, 321, 1503, 338, 256, 1502]);
    }
}

#[test]
fn another_window() {
    let nothing = json!({});
    let tokenizer = tiny(&nothing, &json!({ "model_max_length": 4 }), &nothing);
    let encoding = tokenizer.encode("a cat and a Dog").unwrap();
    assert_eq!(encoding.ids, [1501, 320, 635, 1502]);
    assert_eq!(encoding.truncated.as_deref(), Some("and a Dog"));
    // What transformers writes when nothing is known.
    assert_eq!(tiny(&nothing, &json!({ "model_max_length": 1e30 }), &nothing).window(), 77);
}

fn token(content: &str, normalized: bool) -> Value {
    let special = !content.contains("toy");
    json!({
        "content": content, "normalized": normalized, "special": special,
        "lstrip": false, "rstrip": false, "single_word": false,
    })
}

fn tiny(map: &Value, config: &Value, added: &Value) -> Tokenizer {
    Tokenizer::from_files(&TokenizerFiles {
        vocab: Some(VOCAB),
        merges: Some(MERGES),
        special_tokens_map: Some(map.to_string().as_bytes()),
        tokenizer_config: Some(config.to_string().as_bytes()),
        added_tokens: Some(added.to_string().as_bytes()),
        ..TokenizerFiles::default()
    })
    .unwrap()
}

#[test]
fn lost_words_are_as_written() {
    let tokenizer = Tokenizer::from_parts(VOCAB, MERGES).unwrap();
    let lost = |kept: usize, text: &str| {
        tokenizer.encode(&("Cat ".repeat(kept) + text)).unwrap().truncated.unwrap_or_default()
    };
    assert_eq!(lost(75, ""), "");
    assert_eq!(lost(75, "Dog"), "Dog");
    assert_eq!(lost(75, " a  RED\tapple, café\n"), "a  RED\tapple, café");
    // Half a word is no word.
    assert_eq!(lost(74, "Supercalifragilistic 😀!"), "Supercalifragilistic 😀!");
    assert_eq!(lost(74, "😀!"), "😀!");
    // What is kept is not reported.
    assert_eq!(lost(74, "dog, a bird"), ", a bird");
    assert_eq!(lost(75, "<|endoftext|> a bird"), "<|endoftext|> a bird");
}
