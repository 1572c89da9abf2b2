//! Textual inversions in every form, against the states that diffusers has with them.
//!
//! The allowance is that of the text encoder without them: 1e-5 relative.

use std::path::{Path, PathBuf};

use gligen_clip_text::{ClipTextConfig, ClipTextEncoder, Error, TextualInversion, Tokenizer, add_words};
use gligen_testkit::{Fixture, assert_close, devices, fixtures};
use gligen_weights::Weights;

fn file(name: &str) -> PathBuf {
    fixtures().join("adapters").join(name)
}

fn open(name: &str, token: Option<&str>) -> TextualInversion {
    TextualInversion::open(&file(name), token).unwrap()
}

struct Parts {
    config: ClipTextConfig,
    weights: Weights,
    tokenizer: Tokenizer,
}

fn parts(model: &str) -> Parts {
    let folder = fixtures().join("models").join(model);
    let config = std::fs::read(folder.join("text_encoder/config.json")).unwrap();
    Parts {
        config: ClipTextConfig::parse(&config).unwrap(),
        weights: Weights::find(&folder.join("text_encoder"), &["model", "pytorch_model"]).unwrap(),
        tokenizer: Tokenizer::load(folder.join("tokenizer")).unwrap(),
    }
}

fn encoder(model: &str, words: &[TextualInversion]) -> Result<ClipTextEncoder, Error> {
    let Parts { mut config, weights, mut tokenizer } = parts(model);
    let weights = add_words(words, &mut config, weights, &mut tokenizer)?;
    ClipTextEncoder::from_parts(config, &weights, tokenizer, &devices()[0])
}

fn prompts() -> Vec<String> {
    let text = std::fs::read_to_string(file("prompts.json")).unwrap();
    let prompts: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    prompts.iter().map(|prompt| prompt["text"].as_str().unwrap().to_string()).collect()
}

fn compare(words: &[TextualInversion]) {
    let (expected, device) = (Fixture::open("adapters/expected"), &devices()[0]);
    let encoder = encoder("text-box", words).unwrap();
    let ids: Vec<i64> = prompts()
        .iter()
        .flat_map(|prompt| encoder.tokenizer().encode(prompt).unwrap().ids)
        .map(i64::from)
        .collect();
    assert_eq!(ids, expected.integers("embeddings/input_ids"));
    let states = encoder.encode(&prompts(), 0).unwrap();
    let tensor = |name: &str| format!("embeddings/{name}");
    assert_close("hidden", states.hidden, expected.tensor(&tensor("last_hidden_state"), device), 1e-5);
    assert_close("pooled", states.pooled, expected.tensor(&tensor("pooler_output"), device), 1e-5);
}

#[test]
fn the_states_are_the_references() {
    let (blob, many) = (open("blob.safetensors", None), open("many.bin", None));
    assert_eq!((blob.token(), blob.vectors()), ("<blob>", 1));
    assert_eq!((many.token(), many.vectors()), ("<many>", 3));
    for name in ["a1111-style.pt", "a1111-style.safetensors"] {
        let style = open(name, None);
        assert_eq!((style.token(), style.vectors()), ("a1111-style", 2));
        compare(&[blob.clone(), many.clone(), style]);
    }
}

#[test]
fn a_word_may_get_another_name() {
    let encoder = encoder("text-box", &[open("many.bin", Some("Sketchy"))]).unwrap();
    let ids = |text: &str| encoder.tokenizer().encode(text).unwrap().ids[1..6].to_vec();
    // In any case, as all words; and each of its vectors by itself.
    assert_eq!(ids("a sketchy cat"), [320, 1503, 1504, 1505, 635]);
    assert_eq!(ids("Sketchy_2 cat")[..2], [1505, 635]);
}

#[test]
fn a_word_that_does_not_fit_is_lost_from_its_first_vector_on() {
    let encoder = encoder("text-box", &[open("many.bin", None)]).unwrap();
    let told = |cats: usize| {
        let text = format!("{}<many> dog", "cat ".repeat(cats));
        encoder.tokenizer().encode(&text).unwrap().truncated
    };
    assert_eq!(told(71), None);
    assert_eq!(told(72).as_deref(), Some("dog"));
    assert_eq!(told(73).as_deref(), Some("<many> dog"));
}

/// Old configurations do not say which token ends a text, only that it is the largest; that must not become the word.
#[test]
fn the_end_of_a_text_stays_where_it_is() {
    let words = [open("blob.safetensors", None)];
    let encoder = encoder("text-box-linear", &words).unwrap();
    let states = encoder.encode(&["a <blob> and a cat"], 0).unwrap();
    let ids = encoder.tokenizer().encode("a <blob> and a cat").unwrap().ids;
    let end = ids.iter().position(|&id| id == encoder.tokenizer().end_id()).unwrap();
    assert!(ids.iter().any(|&id| id > encoder.tokenizer().end_id()));
    let at_the_end = states.hidden.narrow(1, end, 1).squeeze_dim::<2>(1);
    assert_close("pooled", states.pooled, at_the_end, 0.0);
}

#[test]
fn what_is_refused() {
    let told = |error: Error| error.to_string().replace(&format!("{}/", fixtures().display()), "");
    let (many, blob) = (open("many.bin", None), open("blob.safetensors", None));
    let refused = [
        told(encoder("text-box", &[many.clone(), many.clone()]).unwrap_err()),
        told(encoder("text-box", &[open("many.bin", Some("cat</w>"))]).unwrap_err()),
        told(encoder("text-box", &[open("many.bin", Some(" "))]).unwrap_err()),
        told(TextualInversion::open(&file("kohya.safetensors"), None).unwrap_err())
            .chars()
            .take(150)
            .collect(),
        told(TextualInversion::open(Path::new("no/such/file.pt"), None).unwrap_err()),
        told(encoder_of_another_width(&blob)),
    ];
    insta::assert_snapshot!(refused.join("\n"));
}

fn encoder_of_another_width(word: &TextualInversion) -> Error {
    let Parts { mut config, weights, mut tokenizer } = parts("text-box");
    config.hidden_size = 768;
    add_words(std::slice::from_ref(word), &mut config, weights, &mut tokenizer).unwrap_err()
}
