//! What the environment says of the cache, the hub and the token, in the words that all programs of the hub share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::HubError;

/// The hub that is asked unless said otherwise.
const ENDPOINT: &str = "https://huggingface.co";

/// Where things are, and what may be done.
///
/// Source of the names: huggingface_hub `constants.py`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder with a folder for each repository. `HF_HUB_CACHE` (of old `HUGGINGFACE_HUB_CACHE`), else `hub` in
    /// `HF_HOME`, which is `huggingface` in `XDG_CACHE_HOME` or `~/.cache`.
    pub cache: PathBuf,
    /// The hub's address, without a slash at its end: `HF_ENDPOINT`.
    pub endpoint: String,
    /// Who asks, for what not everybody may have. `HF_TOKEN`, else what is in the file `HF_TOKEN_PATH`, which is
    /// `token` in `HF_HOME`.
    pub token: Option<Token>,
    /// Whether the network may not be used: `HF_HUB_OFFLINE`, or `TRANSFORMERS_OFFLINE`.
    pub offline: bool,
    /// How long a silent server is waited for: `HF_HUB_DOWNLOAD_TIMEOUT` in seconds, 10 unless said otherwise.
    pub timeout: Duration,
    /// How often in a row a request that fails is sent again before giving up.
    pub retries: u32,
    /// The pause before the first repetition; each is twice as long as the one before, up to 10 s.
    pub first_pause: Duration,
}

/// A secret: it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token `text`, or none if there is nothing in it but white space.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.into()))
    }

    pub(crate) fn as_header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Settings {
    /// What the process's environment says.
    ///
    /// # Errors
    ///
    /// An address or a number that is none, a token that no header can carry, and no home to put a cache in.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(|name| std::env::var(name).ok(), std::env::home_dir().as_deref())
    }

    /// What the variables say that `variable` gives. An empty one counts as absent.
    pub(crate) fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
        user: Option<&Path>,
    ) -> Result<Self, HubError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| variable(name).map(|value| expand(&value, user));

        let home = folder("HF_HOME")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
            .or_else(|| user.map(|user| user.join(".cache/huggingface")));
        let cache = folder("HF_HUB_CACHE")
            .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| home.as_ref().map(|home| home.join("hub")));
        let Some(cache) = cache else {
            let problem = "not set, and there is no home folder to keep models in".into();
            return Err(HubError::Setting { name: "HF_HOME", problem });
        };

        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        let endpoint = endpoint.trim_end_matches('/');
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            let problem = format!("expected an address that begins with https://, found `{endpoint}`");
            return Err(HubError::Setting { name: "HF_ENDPOINT", problem });
        }

        let token_file = folder("HF_TOKEN_PATH").or_else(|| home.map(|home| home.join("token")));
        let token = variable("HF_TOKEN")
            .or_else(|| variable("HUGGING_FACE_HUB_TOKEN"))
            .or_else(|| std::fs::read_to_string(token_file?).ok())
            .and_then(|text| Token::new(&text));
        if token.as_ref().is_some_and(|Token(token)| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let problem = "expected letters, digits and signs, found others".into();
            return Err(HubError::Setting { name: "HF_TOKEN", problem });
        }

        let offline = variable("HF_HUB_OFFLINE").or_else(|| variable("TRANSFORMERS_OFFLINE"));
        let timeout = variable("HF_HUB_DOWNLOAD_TIMEOUT").map_or(Ok(10), |text| {
            text.parse().ok().filter(|&seconds| seconds > 0).ok_or_else(|| HubError::Setting {
                name: "HF_HUB_DOWNLOAD_TIMEOUT",
                problem: format!("expected a whole number of seconds, found `{text}`"),
            })
        })?;
        Ok(Self {
            cache,
            endpoint: endpoint.into(),
            token,
            offline: offline.is_some_and(|value| is_true(&value)),
            timeout: Duration::from_secs(timeout),
            retries: 5,
            first_pause: Duration::from_secs(1),
        })
    }
}

fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str())
}

/// `path` with a `~` at its start replaced by the user's home.
fn expand(path: &str, user: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), user) {
        (Some(""), Some(user)) => user.into(),
        (Some(rest), Some(user)) if rest.starts_with('/') => user.join(&rest[1..]),
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, HubError> {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string());
        Settings::from_variables(variable, Some(Path::new("/home/me")))
    }

    fn cache(variables: &[(&str, &str)]) -> PathBuf {
        settings(variables).unwrap().cache
    }

    #[test]
    fn the_cache_is_where_every_program_looks_for_it() {
        assert_eq!(cache(&[]), Path::new("/home/me/.cache/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/xdg")]), Path::new("/xdg/huggingface/hub"));
        assert_eq!(cache(&[("HF_HOME", "/hf"), ("XDG_CACHE_HOME", "/xdg")]), Path::new("/hf/hub"));
        assert_eq!(cache(&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")]), Path::new("/old"));
        assert_eq!(cache(&[("HF_HUB_CACHE", "/new"), ("HUGGINGFACE_HUB_CACHE", "/old")]), Path::new("/new"));
        assert_eq!(cache(&[("HF_HUB_CACHE", "~/models")]), Path::new("/home/me/models"));
        assert_eq!(cache(&[("HF_HOME", "")]), Path::new("/home/me/.cache/huggingface/hub"));
        let nowhere = Settings::from_variables(|_| None, None).unwrap_err();
        assert!(nowhere.to_string().starts_with("HF_HOME: not set"), "{nowhere}");
    }

    #[test]
    fn offline_is_said_in_two_ways_of_which_the_hubs_own_wins() {
        let offline = |variables: &[(&str, &str)]| settings(variables).unwrap().offline;
        assert!(!offline(&[]));
        assert!(offline(&[("HF_HUB_OFFLINE", "1")]) && offline(&[("HF_HUB_OFFLINE", "Yes")]));
        assert!(offline(&[("TRANSFORMERS_OFFLINE", "TRUE")]));
        assert!(!offline(&[("HF_HUB_OFFLINE", "0"), ("TRANSFORMERS_OFFLINE", "1")]));
    }

    #[test]
    fn a_token_comes_from_a_variable_or_a_file_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        std::fs::write(folder.path().join("other"), "hf_other\n").unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
        let token = |variables: &[(&str, &str)]| settings(variables).unwrap().token.map(|t| t.as_header());
        let home = path("");
        assert_eq!(token(&[]), None);
        assert_eq!(token(&[("HF_HOME", &home)]).unwrap(), "Bearer hf_file");
        assert_eq!(token(&[("HF_HOME", &home), ("HF_TOKEN", " hf_own ")]).unwrap(), "Bearer hf_own");
        let other = path("other");
        assert_eq!(token(&[("HF_HOME", &home), ("HF_TOKEN_PATH", &other)]).unwrap(), "Bearer hf_other");
        let shown = format!("{:?}", settings(&[("HF_TOKEN", "hf_secret")]).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_variables_name() {
        let problem = |name, value| settings(&[(name, value)]).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                problem("HF_ENDPOINT", "huggingface.co"),
                problem("HF_TOKEN", "hf a"),
                problem("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
            ]
            .join("\n")
        );
        assert_eq!(settings(&[("HF_ENDPOINT", "http://mirror/hub/")]).unwrap().endpoint, "http://mirror/hub");
    }
}
