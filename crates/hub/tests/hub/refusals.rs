//! What is refused, and in which words.

use gligen_hub::{Hub, Settings, Token};
use gligen_testkit::Fault;

use crate::place::{MODEL, Place, go_on, model};

#[test]
fn what_is_not_there_or_not_for_everybody() {
    let place = Place::with_model();
    insta::assert_snapshot!("no_such_model", place.told(place.model("nobody/nothing")));
    insta::assert_snapshot!("no_such_revision", place.told(place.model(&format!("{MODEL}@v9"))));
    let file = ["gligen.pth".to_string()];
    insta::assert_snapshot!(
        "no_such_file",
        place.told(place.hub().pull_files(&MODEL.parse().unwrap(), &file, &mut go_on))
    );
    place.server.fail("HEAD ", 1, Fault::Status(403, "X-Error-Code: GatedRepo\r\n"));
    insta::assert_snapshot!("gated", place.told(place.model(MODEL)));

    let known = Hub::new(Settings { token: Token::new("hf_secret"), ..place.settings() });
    let told = |fault| {
        place.server.fail("/api/", 1, fault);
        place.told(known.model(&MODEL.parse().unwrap(), &mut go_on))
    };
    insta::assert_snapshot!("gated_with_token", told(Fault::Status(403, "X-Error-Code: GatedRepo\r\n")));
    insta::assert_snapshot!("token_refused", told(Fault::Status(401, "")));
}

#[test]
fn servers_that_do_not_get_well() {
    let told = |fault| {
        let place = Place::with_model();
        place.server.fail("/api/", usize::MAX, fault);
        place.told(place.model(MODEL))
    };
    insta::assert_snapshot!("too_many_requests", told(Fault::Status(429, "Retry-After: 0\r\n")));
    insta::assert_snapshot!("in_trouble", told(Fault::Status(502, "")));
    insta::assert_snapshot!("teapot", told(Fault::Status(418, "")));
    insta::assert_snapshot!("endless", told(Fault::Status(302, "Location: /api/again\r\n")));
}

#[test]
fn what_is_no_hub() {
    let place = Place::with_model();
    let nobody = Hub::new(Settings { endpoint: "http://127.0.0.1:1".into(), ..place.settings() });
    insta::assert_snapshot!("nobody_listens", place.told(nobody.model(&MODEL.parse().unwrap(), &mut go_on)));
    place.server.fail("/api/", 1, Fault::Status(200, ""));
    insta::assert_snapshot!("not_a_list", place.told(place.model(MODEL)));
    place.server.fail("HEAD ", 1, Fault::Status(200, "ETag: W/\"abc\"\r\n"));
    insta::assert_snapshot!("not_a_checksum", place.told(place.model(MODEL)));
    place.server.fail("/api/", 1, Fault::Status(307, ""));
    insta::assert_snapshot!("to_nowhere", place.told(place.model(MODEL)));
}

#[test]
fn repositories_that_hold_something_else() {
    let place = Place::new();
    let weights = vec![0; 5_000];
    place.server.commit(
        MODEL,
        "main",
        [("gligen_sd14.pth", weights.clone()), ("README.md", weights.clone())],
    );
    insta::assert_snapshot!("single_file", place.told(place.model(MODEL)));
    place.server.commit(MODEL, "main", model().into_iter().filter(|(path, _)| !path.starts_with("vae")));
    insta::assert_snapshot!("without_vae", place.told(place.model(MODEL)));

    let index = "unet/diffusion_pytorch_model.safetensors.index.json";
    let told = |text: &str| {
        let files = model().into_iter().filter(|(path, _)| !path.starts_with("unet/d"));
        place.server.commit(MODEL, "main", files.chain([(index, text.as_bytes().to_vec())]));
        let told = place.told(place.model(MODEL));
        let commit = told.split("resolve/").nth(1).and_then(|rest| rest.split('/').next());
        told.replace(commit.unwrap_or("COMMIT"), "COMMIT")
    };
    insta::assert_snapshot!("index_leads_out", told(r#"{"weight_map": {"a": "../../../secret"}}"#));
    insta::assert_snapshot!("index_names_nothing", told(r#"{"weight_map": {"a": "other.safetensors"}}"#));
    insta::assert_snapshot!("index_is_none", told("weights"));
}

/// The hub's own host gets it, and no other that the hub sends the client to.
#[test]
fn the_token_goes_to_the_hub_alone() {
    let place = Place::with_model();
    let hub = Hub::new(Settings { token: Token::new("hf_secret"), ..place.settings() });
    hub.model(&MODEL.parse().unwrap(), &mut go_on).unwrap();
    let seen = place.server.seen();
    let (storage, own): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| seen.line.contains("STORAGE"));
    assert_eq!(storage.len(), 3);
    assert!(storage.iter().all(|seen| seen.authorization.is_none()), "{storage:?}");
    assert!(own.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_secret")), "{own:?}");
}

/// A repository that was renamed: the old name leads to the new one.
#[test]
fn a_redirection_within_the_hub_keeps_the_token() {
    let place = Place::with_model();
    place.server.fail(
        "/api/models/old/name/",
        1,
        Fault::Status(307, "Location: /api/models/somebody/boxes/revision/main\r\n"),
    );
    let hub = Hub::new(Settings { token: Token::new("hf_secret"), ..place.settings() });
    let _ = hub.model(&"old/name".parse().unwrap(), &mut go_on);
    let followed = place.server.seen().into_iter().nth(1).unwrap();
    assert!(followed.line.contains("/api/models/somebody/boxes/"), "{followed:?}");
    assert_eq!(followed.authorization.as_deref(), Some("Bearer hf_secret"));
}
