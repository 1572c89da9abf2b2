//! Questions to a hub over HTTP.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use crate::blob::Checksum;
use crate::model_id::is_commit;
use crate::progress::Teller;
use crate::{HubError, ModelId, Progress, Settings, Token};

/// What stays as it is in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PLAIN_OR_SLASH: &AsciiSet = &PLAIN.remove(b'/');

const MAX_REDIRECTS: usize = 10;

/// The longest answer that is read into memory, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// The longest pause between two requests that fail, and the longest that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(10);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Speaks to one hub.
pub(crate) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<Token>,
    retries: u32,
    first_pause: Duration,
}

/// A commit and the paths of all its files.
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: Vec<String>,
}

/// What a hub says of a file before it gives it.
pub(crate) struct Remote {
    /// Path in the repository.
    pub(crate) file: String,
    pub(crate) url: String,
    pub(crate) checksum: Checksum,
    pub(crate) size: Option<u64>,
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Self {
        let config = Agent::config_builder()
            // Redirects are followed here, where it is known which hosts may see the token.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_resolve(Some(settings.timeout))
            .timeout_connect(Some(settings.timeout))
            .timeout_per_read(Some(settings.timeout))
            .timeout_per_write(Some(settings.timeout))
            // A compressed answer would have neither the size nor the checksum of the file.
            .accept_encoding("identity")
            .user_agent(concat!("gligen/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
            retries: settings.retries,
            first_pause: settings.first_pause,
        }
    }

    /// The commit that `id` names now, and its files.
    pub(crate) fn list(&self, id: &ModelId, teller: &mut Teller<'_>) -> Result<Listing, HubError> {
        #[derive(Deserialize)]
        struct Answer {
            sha: String,
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        let revision = utf8_percent_encode(id.revision(), PLAIN);
        let url = format!("{}/api/models/{}/revision/{revision}", self.endpoint, id.name());
        let text = self.patiently(teller, || {
            let response = self.send(&url, false, 0, |_| false)?;
            self.check(id, None, &url, &response)?;
            let body = response.into_body().into_with_config().limit(MAX_ANSWER).read_to_vec();
            body.map_err(|source| HubError::Network { url: url.clone(), source: source.into() })
        })?;
        let protocol = |problem: String| HubError::Protocol { url: url.clone(), problem };
        let answer: Answer = serde_json::from_slice(&text)
            .map_err(|error| protocol(format!("expected a list of files, found something else: {error}")))?;
        if !is_commit(&answer.sha) {
            return Err(protocol(format!("expected a commit, found `{}`", answer.sha)));
        }
        let files = answer.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        Ok(Listing { commit: answer.sha, files })
    }

    /// Size and checksum of a file.
    pub(crate) fn look_up(
        &self,
        id: &ModelId,
        commit: &str,
        file: &str,
        teller: &mut Teller<'_>,
    ) -> Result<Remote, HubError> {
        let path = utf8_percent_encode(file, PLAIN_OR_SLASH);
        let url = format!("{}/{}/resolve/{commit}/{path}", self.endpoint, id.name());
        self.patiently(teller, || {
            // Large files lie elsewhere. The hub says what they are when it says where; what that other place calls a
            // checksum may be anything.
            let response = self.send(&url, true, 0, |headers| headers.contains_key("x-linked-etag"))?;
            if !is_redirect(&response) {
                self.check(id, Some(file), &url, &response)?;
            }
            let headers = response.headers();
            let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            let etag = text("x-linked-etag").or_else(|| text("etag")).unwrap_or_default();
            let etag = etag.trim_start_matches("W/").trim_matches('"');
            let Some(checksum) = Checksum::from_etag(etag) else {
                let problem = format!("{file}: expected a checksum for an ETag, found `{etag}`");
                return Err(HubError::Protocol { url: url.clone(), problem });
            };
            let length = || text("content-length").filter(|_| !is_redirect(&response));
            let size = text("x-linked-size").or_else(length).and_then(|size| size.parse().ok());
            Ok(Remote { file: file.into(), url: url.clone(), checksum, size })
        })
    }

    /// The bytes of `remote` from `start` on; all of them if the server gives no parts.
    pub(crate) fn get(&self, id: &ModelId, remote: &Remote, start: u64) -> Result<Response<Body>, HubError> {
        let response = self.send(&remote.url, false, start, |_| false)?;
        // The server has no bytes from there on: the caller begins again, as with a server that gives no parts.
        if response.status() != 416 {
            self.check(id, Some(&remote.file), &remote.url, &response)?;
        }
        Ok(response)
    }

    /// Does `request` again, after a pause, while it fails in a way that may pass.
    fn patiently<T>(
        &self,
        teller: &mut Teller<'_>,
        request: impl Fn() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut failures = 0;
        loop {
            match request() {
                Err(error) => {
                    failures += 1;
                    self.pause(failures, error, teller)?;
                }
                done => return done,
            }
        }
    }

    /// Waits after the failure number `failures` in a row; gives `error` back if there is no point in it.
    pub(crate) fn pause(
        &self,
        failures: u32,
        error: HubError,
        teller: &mut Teller<'_>,
    ) -> Result<(), HubError> {
        if !error.is_passing() || failures > self.retries {
            return Err(error);
        }
        let after = match &error {
            HubError::Status { retry_after: Some(after), .. } => (*after).min(MAX_RETRY_AFTER),
            _ => self.first_pause.saturating_mul(1 << (failures - 1).min(16)).min(MAX_PAUSE),
        };
        teller.tell(Progress::Retry { error: &error, after })?;
        teller.wait(after)
    }

    /// One request, and those that it is redirected to until there is an answer or `stop` likes the headers of a
    /// redirection. `head`: without the body; `start`: the first byte that is wanted.
    fn send(
        &self,
        url: &str,
        head: bool,
        start: u64,
        stop: impl Fn(&HeaderMap) -> bool,
    ) -> Result<Response<Body>, HubError> {
        let mut url = url.to_owned();
        for _ in 0..MAX_REDIRECTS {
            let failed = |source| HubError::Network { url: without_query(&url), source: Box::new(source) };
            let mut request = if head { self.agent.head(&url) } else { self.agent.get(&url) };
            if let Some(token) = self.token.as_ref().filter(|_| origin(&url) == origin(&self.endpoint)) {
                request = request.header("Authorization", token.as_header());
            }
            if start > 0 {
                request = request.header("Range", format!("bytes={start}-"));
            }
            let response = request.call().map_err(failed)?;
            if !is_redirect(&response) || stop(response.headers()) {
                return Ok(response);
            }
            let location = response.headers().get("location").and_then(|value| value.to_str().ok());
            let Some(target) = location.and_then(|location| target(&url, location)) else {
                let problem = "is redirected to nowhere".into();
                return Err(HubError::Protocol { url: without_query(&url), problem });
            };
            url = target;
        }
        let source = Box::new(ureq::Error::TooManyRedirects);
        Err(HubError::Network { url: without_query(&url), source })
    }

    /// Turns an answer that is no success into an error.
    fn check(
        &self,
        id: &ModelId,
        file: Option<&str>,
        url: &str,
        response: &Response<Body>,
    ) -> Result<(), HubError> {
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(());
        }
        let (id, endpoint, token) = (id.clone(), self.endpoint.clone(), self.token.is_some());
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        Err(match (text("x-error-code").unwrap_or_default(), status) {
            ("RevisionNotFound", _) => HubError::NoRevision { id },
            ("RepoNotFound", _) => HubError::NoRepository { id, endpoint, token },
            ("GatedRepo", _) | (_, 403) => HubError::Gated { id, endpoint, token },
            (_, 401) if token => HubError::Token { endpoint },
            // Without a token, a hub does not tell a private repository from one that is not there.
            (_, 401) => HubError::NoRepository { id, endpoint, token },
            ("EntryNotFound", _) | (_, 404 | 410) => match file {
                Some(file) => HubError::NoFile { id, file: file.into() },
                None => HubError::NoRepository { id, endpoint, token },
            },
            _ => {
                let seconds = text("retry-after").and_then(|seconds| seconds.parse().ok());
                let retry_after = seconds.map(Duration::from_secs);
                HubError::Status { url: without_query(url), status, retry_after }
            }
        })
    }
}

fn is_redirect(response: &Response<Body>) -> bool {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Scheme, host and port of `url`.
fn origin(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    url[..end].to_ascii_lowercase()
}

/// Where a redirection from `url` to `location` leads: an address, or a path on the same host.
fn target(url: &str, location: &str) -> Option<String> {
    match location {
        _ if location.starts_with("https://") || location.starts_with("http://") => Some(location.into()),
        _ if location.starts_with("//") => Some(format!("{}:{location}", url.split_once(':')?.0)),
        _ if location.starts_with('/') => Some(format!("{}{location}", origin(url))),
        _ => None,
    }
}

/// `url` for people to read: what follows the path is the signature of a link, a secret for an hour.
fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or(url).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_all_that_decides_who_sees_the_token() {
        assert_eq!(origin("https://Hub.co/api?x"), "https://hub.co");
        assert_eq!(origin("https://hub.co"), "https://hub.co");
        assert_ne!(origin("https://hub.co:444/"), origin("https://hub.co/"));
        assert_ne!(origin("http://hub.co/"), origin("https://hub.co/"));
        assert_ne!(origin("https://hub.co@evil.co/"), origin("https://hub.co/"));
        assert_ne!(origin("https://hub.co.evil.co/"), origin("https://hub.co/"));
    }

    #[test]
    fn redirections_lead_to_addresses_and_to_paths_of_the_same_host() {
        let from = "https://hub.co/a/b/resolve/c/d.json?download=true";
        assert_eq!(target(from, "/e/f").unwrap(), "https://hub.co/e/f");
        assert_eq!(target(from, "https://cdn.co/x?y").unwrap(), "https://cdn.co/x?y");
        assert_eq!(target(from, "//cdn.co/x").unwrap(), "https://cdn.co/x");
        assert_eq!(target(from, "elsewhere"), None);
        assert_eq!(target(from, "file:///etc/passwd"), None);
        assert_eq!(without_query("https://cdn.co/x?signature=secret"), "https://cdn.co/x");
    }
}
