//! What is refused, and in which words.

use std::fmt::Write;

use gligen_clip_text::{ClipTextConfig, ClipTextEncoder, Error, Tokenizer, TokenizerFiles};
use gligen_testkit::{devices, fixtures};
use gligen_weights::Weights;

#[test]
fn configurations() {
    let mut messages = String::new();
    for json in [
        r#"{"model_type": "t5"}"#,
        r#"{"use_attention_mask": true}"#,
        r#"{"pruned_heads": {"0": [1]}}"#,
        r#"{"quantization_config": {"bits": 8}}"#,
        r#"{"hidden_act": "relu"}"#,
        r#"{"hidden_size": 0}"#,
        r#"{"hidden_size": -768}"#,
        r#"{"hidden_size": 768.5}"#,
        r#"{"vocab_size": 1e30}"#,
        r#"{"num_hidden_layers": "12"}"#,
        r#"{"hidden_size": 768, "num_attention_heads": 7}"#,
        r#"{"layer_norm_eps": -1}"#,
        r#"{"eos_token_id": [2, 3]}"#,
        r#"{"eos_token_id": null}"#,
        "[]",
        "{",
    ] {
        let error = ClipTextConfig::parse(json.as_bytes()).unwrap_err();
        writeln!(messages, "{json}\n  {error}").unwrap();
    }
    insta::assert_snapshot!(messages);
}

/// Of Stable Diffusion 1.4, shortened: with keys of other purposes, and without some of ours.
#[test]
fn older_configuration_is_accepted() {
    let config = ClipTextConfig::parse(
        br#"{
            "_name_or_path": "openai/clip-vit-large-patch14", "architectures": ["CLIPTextModel"],
            "attention_dropout": 0.0, "bos_token_id": 0, "dropout": 0.0, "eos_token_id": 2, "hidden_act": "quick_gelu",
            "hidden_size": 768, "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 3072,
            "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
            "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1, "torch_dtype": "float32",
            "transformers_version": "4.21.0.dev0", "vocab_size": 49408, "pruned_heads": {}, "use_bfloat16": false
        }"#,
    )
    .unwrap();
    insta::assert_debug_snapshot!(config);
}

#[test]
fn tokenizers() {
    let vocab = r#"{"a":0,"b":1,"ab":2,"<|startoftext|>":3,"<|endoftext|>":4}"#;
    let mut messages = String::new();
    for (vocab, merges, config) in [
        ("", "", "{}"),
        (r#"{"a":-1}"#, "", "{}"),
        (r#"{"a":0}"#, "", "{}"),
        (r#"{"<|endoftext|>":4294967295}"#, "", "{}"),
        (vocab, "#version: 0.2\na b\nb a\n", "{}"),
        (vocab, "a  b", "{}"),
        (vocab, "a c", "{}"),
        (vocab, "a b", r#"{"model_max_length":1}"#),
        (vocab, "a b", r#"{"model_max_length":77.5}"#),
        (vocab, "a b", r#"{"padding_side":"left"}"#),
        (vocab, "a b", r#"{"unk_token":"?"}"#),
        (vocab, "a b", r#"{"pad_token":""}"#),
        (vocab, "a b", r#"{"pad_token":5}"#),
        (vocab, "a b", r#"{"added_tokens_decoder":{"7":{"content":"<cat>"}}}"#),
    ] {
        let error = Tokenizer::from_files(&TokenizerFiles {
            vocab: Some(vocab.as_bytes()),
            merges: Some(merges.as_bytes()),
            tokenizer_config: Some(config.as_bytes()),
            ..TokenizerFiles::default()
        })
        .unwrap_err();
        writeln!(messages, "{vocab} {merges:?} {config}\n  {error}").unwrap();
    }
    for json in ["{}", r#"{"model":{"type":"Unigram","vocab":{},"merges":[]}}"#] {
        let error = Tokenizer::from_json(json.as_bytes()).unwrap_err();
        writeln!(messages, "{json}\n  {error}").unwrap();
    }
    let error = Tokenizer::load("no/such/folder").unwrap_err();
    writeln!(messages, "{error}").unwrap();
    insta::assert_snapshot!(messages);
}

/// Each part is sound, but one belongs to another model.
#[test]
fn parts_that_do_not_fit() {
    let real = Tokenizer::load(fixtures().join("clip-tokenizer")).unwrap();
    let tiny = Tokenizer::load(fixtures().join("tiny-gligen/tokenizer")).unwrap();
    let long = Tokenizer::from_files(&TokenizerFiles {
        vocab: Some(include_bytes!("../../../fixtures/tiny-gligen/tokenizer/vocab.json")),
        merges: Some(include_bytes!("../../../fixtures/tiny-gligen/tokenizer/merges.txt")),
        tokenizer_config: Some(br#"{"model_max_length": 100}"#),
        ..TokenizerFiles::default()
    })
    .unwrap();
    let shape = r#""vocab_size": 1503, "hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 3, "num_attention_heads": 4"#;
    let mut messages = String::new();
    for (config, tokenizer) in [
        (format!(r#"{{{shape}, "eos_token_id": 1502}}"#), &real),
        (format!(r#"{{{shape}, "eos_token_id": 1502}}"#), &long),
        (format!(r#"{{{shape}, "eos_token_id": 1500}}"#), &tiny),
        (format!(r#"{{{shape}}}"#), &tiny),
    ] {
        let error = encoder(&config, tokenizer).unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }));
        writeln!(messages, "{error}").unwrap();
    }
    insta::assert_snapshot!(messages);

    let another = format!(r#"{{{shape}, "eos_token_id": 2, "hidden_size": 64}}"#);
    assert!(matches!(encoder(&another, &tiny), Err(Error::Weights(_))));
    let missing = ClipTextEncoder::load("no/such", "folder", &devices()[0]);
    assert!(matches!(missing, Err(Error::Read { .. })));
}

fn encoder(config: &str, tokenizer: &Tokenizer) -> Result<ClipTextEncoder, Error> {
    let weights = Weights::find(&fixtures().join("tiny-gligen/text_encoder"), &["model"])?;
    let config = ClipTextConfig::parse(config.as_bytes())?;
    ClipTextEncoder::from_parts(config, &weights, tokenizer.clone(), &devices()[0])
}
