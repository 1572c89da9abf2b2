//! A hub, a cache, and a model to fetch.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gligen_hub::{Hub, HubError, Progress, Settings};
use gligen_testkit::HubServer;
use tempfile::TempDir;

/// The model that most tests fetch.
pub(crate) const MODEL: &str = "somebody/boxes";

/// A server, and a cache that is empty at first.
pub(crate) struct Place {
    pub(crate) server: HubServer,
    pub(crate) cache: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { server: HubServer::start(), cache: tempfile::tempdir().unwrap() }
    }

    /// With [`MODEL`].
    pub(crate) fn with_model() -> Self {
        let place = Self::new();
        place.server.commit(MODEL, "main", model());
        place
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            cache: self.cache.path().into(),
            endpoint: self.server.endpoint().into(),
            token: None,
            offline: false,
            timeout: Duration::from_secs(10),
            retries: 3,
            first_pause: Duration::from_millis(1),
        }
    }

    pub(crate) fn hub(&self) -> Hub {
        Hub::new(self.settings())
    }

    pub(crate) fn model(&self, id: &str) -> Result<PathBuf, HubError> {
        self.hub().model(&id.parse().unwrap(), &mut go_on)
    }

    pub(crate) fn pull(&self, id: &str) -> Result<PathBuf, HubError> {
        self.hub().pull(&id.parse().unwrap(), &mut go_on)
    }

    /// Error and hint of `result`, without what differs from run to run.
    pub(crate) fn told<T: std::fmt::Debug>(&self, result: Result<T, HubError>) -> String {
        let error = result.unwrap_err();
        format!("error: {error}\nhint: {}", error.hint().unwrap_or_else(|| "none".into()))
            .replace(self.server.endpoint(), "HUB")
            .replace(self.cache.path().to_str().unwrap(), "CACHE")
    }

    /// The lines of all requests since the last call, without the hub's address.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Names in the folder `blobs` of [`MODEL`].
    pub(crate) fn blobs(&self) -> Vec<String> {
        names(&self.cache.path().join("models--somebody--boxes/blobs"))
    }
}

pub(crate) fn go_on(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Names of what is in `folder`, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Paths of all files in `folder`, and in the folders in it, sorted.
pub(crate) fn paths(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            paths.extend(self::paths(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            paths.push(name);
        }
    }
    paths
}

/// So many bytes that look like weights; other `seed`, other bytes.
pub(crate) fn weights(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The least that a model has.
pub(crate) fn model() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("model_index.json", b"{}".to_vec()),
        ("scheduler/scheduler_config.json", b"{\"s\": 1}".to_vec()),
        ("text_encoder/config.json", b"{\"t\": 1}".to_vec()),
        ("text_encoder/model.safetensors", weights(1, 9_000)),
        ("tokenizer/merges.txt", b"a b\n".to_vec()),
        ("tokenizer/vocab.json", b"{\"a\": 0}".to_vec()),
        ("unet/config.json", b"{\"u\": 1}".to_vec()),
        ("unet/diffusion_pytorch_model.safetensors", weights(2, 50_000)),
        ("vae/config.json", b"{\"v\": 1}".to_vec()),
        ("vae/diffusion_pytorch_model.safetensors", weights(3, 20_000)),
    ]
}
