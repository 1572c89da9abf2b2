//! What can go wrong between a name and a folder, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::ModelId;

/// Errors of this crate. Each says in one line what is wrong; [`HubError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A text is no name of a model.
    #[error("`{text}`: expected owner/name or owner/name@revision: {problem}")]
    ModelId {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A variable of the environment says what cannot be.
    #[error("{name}: {problem}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// Expected and found.
        problem: String,
    },
    /// The network may not be used, and the cache does not have everything.
    #[error("{id}: HF_HUB_OFFLINE forbids the network{lack}", lack = lack(.missing))]
    Offline {
        /// Which model.
        id: ModelId,
        /// The folder of all repositories.
        cache: PathBuf,
        /// What is not there; nothing if the hub itself was asked for.
        missing: Vec<String>,
    },
    /// There is no such repository, or it shows itself only to some.
    #[error("{id}: no such model on {endpoint}, or a private one")]
    NoRepository {
        /// Which one.
        id: ModelId,
        /// The hub.
        endpoint: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{name}: no revision `{revision}`", name = .id.name(), revision = .id.revision())]
    NoRevision {
        /// Which one.
        id: ModelId,
    },
    /// The repository has no such file.
    #[error("{id}: no file `{file}`")]
    NoFile {
        /// Which repository.
        id: ModelId,
        /// Path in it.
        file: String,
    },
    /// The repository is only for those whom its owner lets in.
    #[error("{id}: its owner decides who may fetch it, and has not let {who} in", who = if *.token { "this token" } else { "strangers" })]
    Gated {
        /// Which one.
        id: ModelId,
        /// The hub.
        endpoint: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub does not take the token.
    #[error("{endpoint}: refuses the token")]
    Token {
        /// The hub.
        endpoint: String,
    },
    /// The repository does not hold a model in the diffusers layout.
    #[error("{id}: not a model in the diffusers layout: it lacks {list}", list = .missing.join(", "))]
    NotAModel {
        /// Which one.
        id: ModelId,
        /// What it lacks.
        missing: Vec<String>,
        /// Files of weights that it has at its top.
        weights: Vec<String>,
    },
    /// An index of weights cannot be used.
    #[error("{id}: {file}: {problem}")]
    Index {
        /// Which repository.
        id: ModelId,
        /// Path of the index in it.
        file: String,
        /// Expected and found.
        problem: String,
    },
    /// A server cannot be reached, or stops in the middle.
    #[error("{url}: {reason}", reason = reason(.error))]
    Network {
        /// What was asked for.
        url: String,
        /// What went wrong.
        error: Box<ureq::Error>,
    },
    /// A server answers with an error.
    #[error("{url}: the server answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Its status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// A server does not answer as a hub does.
    #[error("{url}: {problem}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// Expected and found.
        problem: String,
    },
    /// What came is not what the hub announced. Nothing of it is kept.
    #[error("{file}: damaged on the way: expected checksum {expected}, found {found}")]
    Checksum {
        /// Path in the repository.
        file: String,
        /// What the hub said.
        expected: String,
        /// What came.
        found: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Cache {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever is told of progress asked to stop. What has come is kept.
    #[error("cancelled")]
    Cancelled,
}

impl HubError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ModelId { .. } => "as in masterful/gligen-1-4-generation-text-box@refs/pr/2".into(),
            Self::Offline { id, cache, .. } => format!(
                "unset HF_HUB_OFFLINE, or run `gligen pull {id}` on another machine and copy its cache to {}",
                cache.display()
            ),
            Self::NoRepository { token: false, .. } => {
                "check the spelling; for a private one, put a token into HF_TOKEN".into()
            }
            Self::NoRepository { token: true, .. } => "check the spelling, and what the token may read".into(),
            Self::NoRevision { .. } => {
                "a branch, a tag, a commit's forty letters, or refs/pr/N for a pull request".into()
            }
            Self::NoFile { .. } => "check the spelling; paths begin at the top of the repository".into(),
            Self::Gated { id, endpoint, token } => {
                let page = format!("{endpoint}/{}", id.name());
                match token {
                    true => format!("ask for access on {page}, with the account that the token is of"),
                    false => format!("ask for access on {page}, then put your token into HF_TOKEN"),
                }
            }
            Self::Token { endpoint } => format!(
                "it may have expired: put a new one of {endpoint}/settings/tokens into HF_TOKEN, or unset it for \
                 public models"
            ),
            Self::NotAModel { id, weights, .. } => match weights.first() {
                Some(file) => {
                    format!("it holds single files: `gligen pull {id} {file}` fetches one and prints its path")
                }
                None => "expected folders unet, vae, text_encoder, tokenizer and scheduler".into(),
            },
            Self::Network { error, .. } => network_hint(error).into(),
            Self::Status { status: 429, .. } => "too many requests: wait a while, or put a token into HF_TOKEN".into(),
            Self::Status { status: 500.., .. } => {
                "the server is in trouble: try again later; what has come is kept".into()
            }
            Self::Index { .. } => "the repository is damaged: tell its owner, or try another revision".into(),
            Self::Protocol { .. } => "if HF_ENDPOINT is set, it must be the address of a hub".into(),
            Self::Checksum { .. } => {
                "nothing of it was kept: try again, and if it stays so, suspect a proxy on the way".into()
            }
            Self::Cache { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "the disk is full: make room, or name a folder on another disk in HF_HUB_CACHE; what has come is \
                     kept"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "name a folder that you may write to in HF_HUB_CACHE"
                }
                _ => return None,
            }
            .into(),
            Self::Setting { .. } => "put it right, or unset it".into(),
            Self::Status { .. } => "if HF_ENDPOINT is set, it must be the address of a hub".into(),
            Self::Cancelled => return None,
        })
    }

    /// Whether the same request may succeed in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Network { error, .. } => match error.as_ref() {
                // Not names that are not found, nor networks that are not there: those last.
                ureq::Error::Io(error) => matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::WouldBlock
                ),
                ureq::Error::Timeout(_) | ureq::Error::Protocol(_) | ureq::Error::ConnectionFailed => true,
                _ => false,
            },
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

fn lack(missing: &[String]) -> String {
    if missing.is_empty() { String::new() } else { format!(", and the cache lacks {}", missing.join(", ")) }
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::TooManyRedirects => "leads from one place to the next without end".into(),
        error => error.to_string(),
    }
}

fn network_hint(error: &ureq::Error) -> &'static str {
    use ureq::Error;
    match error {
        Error::HostNotFound => {
            "is there a network? Models that are in the cache need none; HF_ENDPOINT names another hub"
        }
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => {
            "no secure connection: is the clock right, and does a proxy come with a certificate of its own? \
             HF_ENDPOINT names another hub"
        }
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => "check HTTPS_PROXY and ALL_PROXY",
        Error::TooManyRedirects | Error::BadUri(_) => {
            "if HF_ENDPOINT is set, it must be the address of a hub"
        }
        _ => "is there a network? Try again: what has come is kept; models that are in the cache need none",
    }
}
