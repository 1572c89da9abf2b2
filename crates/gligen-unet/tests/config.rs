//! Reading `unet/config.json`: what is taken, and what is refused in which words.

use gligen_unet::{AttentionType, UNetConfig};
use proptest::prelude::*;

fn refusal(json: &str) -> String {
    UNetConfig::from_json(json).expect_err("a refusal").to_string()
}

#[test]
fn older_names_of_gated_attention() {
    for json in [r#"{"use_gated_attention": true}"#, r#"{"enable_gligen": true}"#] {
        assert_eq!(UNetConfig::from_json(json).unwrap().attention_type, AttentionType::Gated);
    }
}

#[test]
fn heads_are_a_number_or_a_list() {
    for json in [r#"{"attention_head_dim": 8}"#, r#"{"attention_head_dim": [5, 10, 20, 20]}"#] {
        UNetConfig::from_json(json).unwrap();
    }
}

#[test]
fn refusals_name_the_key() {
    let found = [
        r#"{"attention_type": "gated-keypoints"}"#,
        r#"{"down_block_types": ["AttnDownBlock2D"]}"#,
        r#"{"act_fn": "gelu"}"#,
        r#"{"addition_embed_type": "text_time"}"#,
        r#"{"sampel_size": 64}"#,
        r#"{"block_out_channels": []}"#,
        r#"{"block_out_channels": [320, 640]}"#,
        r#"{"block_out_channels": [320, 640, 1280, 1281]}"#,
        r#"{"attention_head_dim": 7}"#,
        r#"{"attention_head_dim": 0}"#,
        r#"{"norm_num_groups": 0}"#,
        r#"{"up_block_types": ["DownBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"]}"#,
        r#"{"use_gated_attention": "yes"}"#,
        "[]",
    ]
    .map(|json| format!("{json}\n  {}", refusal(json)))
    .join("\n");
    insta::assert_snapshot!(found);
}

#[test]
fn a_config_survives_being_written() {
    let path = gligen_testkit::fixtures().join("tiny-gligen/unet/config.json");
    let config = UNetConfig::from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(UNetConfig::from_json(&written).unwrap(), config);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = UNetConfig::from_json(&text);
    }

    #[test]
    fn no_number_makes_it_panic(key in "(sample_size|in_channels|block_out_channels|norm_num_groups|attention_head_dim|layers_per_block)", number in any::<i64>()) {
        let _ = UNetConfig::from_json(&format!(r#"{{"{key}": {number}}}"#));
        let _ = UNetConfig::from_json(&format!(r#"{{"{key}": [{number}]}}"#));
    }
}
