//! Names of models: which are some, and that none leads out of the cache.

use std::path::{Component, Path};

use gligen_hub::ModelId;
use proptest::prelude::*;

#[test]
fn names_with_and_without_revision() {
    let id: ModelId = "gligen/gligen-generation-text-box".parse().unwrap();
    assert_eq!((id.name(), id.revision()), ("gligen/gligen-generation-text-box", "main"));
    assert_eq!(id.to_string(), "gligen/gligen-generation-text-box");
    let id: ModelId = "a/b@refs/pr/2".parse().unwrap();
    assert_eq!((id.name(), id.revision(), id.to_string().as_str()), ("a/b", "refs/pr/2", "a/b@refs/pr/2"));
}

#[test]
fn what_is_no_name() {
    let long = format!("a/{}", "b".repeat(100));
    let refused = [
        "",
        "a",
        "a/",
        "/b",
        "a/b/c",
        "./b",
        "../b",
        "a/..",
        "a b/c",
        "a/b@",
        "a/b@..",
        "a/b@x//y",
        "a/b@/etc",
        "a/b@x y",
        "C:/b",
        "a\\b/c",
        "-a/b",
        "a--b/c",
        "a/b.",
        "a/b@.lock",
        &long,
    ];
    for text in refused {
        assert!(text.parse::<ModelId>().is_err(), "{text}");
    }
    insta::assert_snapshot!("a/b/c".parse::<ModelId>().unwrap_err());
}

proptest! {
    #[test]
    fn any_text_is_a_name_or_is_refused(text in "[a-c@/.\\-\\\\: ]{0,12}|.{0,20}") {
        if let Ok(id) = text.parse::<ModelId>() {
            let plain = |path: &str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
            prop_assert!(plain(id.name()) && plain(id.revision()));
            prop_assert_eq!(id.to_string().parse::<ModelId>().unwrap(), id);
        }
    }
}
