//! One file: fetched, continued after a break, checked, and only then given its name.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::Response;

use crate::cache::{RepoCache, at, create_folder_of};
use crate::client::{Client, Remote};
use crate::progress::Teller;
use crate::{HubError, ModelId, Progress};

/// Bytes moved at a time.
const PIECE: usize = 256 << 10;

/// What a file must sum up to; the ETag of a hub, and the name of the file in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// Of a large file: SHA-256 of its bytes.
    Sha256(String),
    /// Of a small one: what git calls it, SHA-1 of the word `blob`, its length and its bytes.
    Git(String),
}

impl Checksum {
    /// The checksum that `etag` is, if it is one.
    pub(crate) fn from_etag(etag: &str) -> Option<Self> {
        let is_hex = etag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match etag.len() {
            64 if is_hex => Some(Self::Sha256(etag.into())),
            40 if is_hex => Some(Self::Git(etag.into())),
            _ => None,
        }
    }

    /// In hexadecimal.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Sha256(text) | Self::Git(text) => text,
        }
    }

    /// What the file at `path` sums up to, in the same way.
    fn found(&self, path: &Path, teller: &mut Teller<'_>) -> Result<String, HubError> {
        let mut file = File::open(path).map_err(at(path))?;
        match self {
            Self::Sha256(_) => sum(Sha256::new(), &mut file, path, teller),
            Self::Git(_) => {
                let length = file.metadata().map_err(at(path))?.len();
                sum(Sha1::new_with_prefix(format!("blob {length}\0")), &mut file, path, teller)
            }
        }
    }
}

fn sum(
    mut digest: impl Digest,
    file: &mut File,
    path: &Path,
    teller: &mut Teller<'_>,
) -> Result<String, HubError> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(at(path))? {
            0 => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => digest.update(&piece[..length]),
        }
        teller.tell(Progress::Waiting)?;
    }
}

/// Puts the file that is known as `remote` into the cache, unless it is there. `before`: bytes of other files, for the
/// news of progress.
pub(crate) fn fetch(
    client: &Client,
    id: &ModelId,
    cache: &RepoCache,
    remote: &Remote,
    before: u64,
    teller: &mut Teller<'_>,
) -> Result<(), HubError> {
    let expected = remote.checksum.text();
    let blob = cache.blob(expected);
    create_folder_of(&blob)?;
    let _lock = cache.lock(expected, teller)?;
    // Another program may have fetched it while this one waited.
    if blob.is_file() {
        return Ok(());
    }
    let path = cache.incomplete(expected);
    let mut download = Download { client, id, remote, path: &path, before, pieced_together: false };
    loop {
        download.run(teller)?;
        let found = remote.checksum.found(&path, teller)?;
        if found == expected {
            return cache.publish(expected);
        }
        fs::remove_file(&path).map_err(at(&path))?;
        // The beginning that an earlier run left, or the seam, may be what is wrong: once more, in one piece.
        if !download.pieced_together {
            let (file, expected) = (remote.file.clone(), expected.into());
            return Err(HubError::Checksum { file, expected, found });
        }
    }
}

/// A file on its way.
struct Download<'a> {
    client: &'a Client,
    id: &'a ModelId,
    remote: &'a Remote,
    path: &'a Path,
    before: u64,
    /// Whether the last run did not get all bytes by one request.
    pieced_together: bool,
}

impl Download<'_> {
    /// Adds to the file what it lacks. Requests that fail are repeated as long as each brings something, and a few
    /// times beyond.
    fn run(&mut self, teller: &mut Teller<'_>) -> Result<(), HubError> {
        let mut file = File::options().create(true).append(true).open(self.path).map_err(at(self.path))?;
        let mut here = file.metadata().map_err(at(self.path))?.len();
        let size = self.remote.size;
        // Where a whole file ends is not known of these.
        if size.is_none_or(|size| here > size) {
            file.set_len(0).map_err(at(self.path))?;
            here = 0;
        }
        self.pieced_together = here > 0;
        let mut failures = 0;
        while size != Some(here) {
            let start = here;
            let error = match self.stream(&mut file, &mut here, teller) {
                Ok(()) if size.is_none_or(|size| size == here) => break,
                Ok(()) => self.network(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => error,
            };
            self.pieced_together = true;
            failures = if here > start { 1 } else { failures + 1 };
            self.client.pause(failures, error, teller)?;
        }
        Ok(())
    }

    /// One request for the bytes from `here` on, and what comes of it.
    fn stream(&self, file: &mut File, here: &mut u64, teller: &mut Teller<'_>) -> Result<(), HubError> {
        let response = self.client.get(self.id, self.remote, *here)?;
        if *here > 0 && !continues(&response, *here) {
            file.set_len(0).map_err(at(self.path))?;
            *here = 0;
        }
        if !response.status().is_success() {
            return Ok(());
        }
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            let length = body.read(&mut piece).map_err(|error| self.network(error))?;
            if length == 0 {
                return Ok(());
            }
            file.write_all(&piece[..length]).map_err(at(self.path))?;
            *here += length as u64;
            if let Some(size) = self.remote.size.filter(|&size| *here > size) {
                let problem = format!("{}: expected {size} bytes, found more", self.remote.file);
                return Err(HubError::Protocol { url: self.remote.url.clone(), problem });
            }
            teller.tell(Progress::Bytes { file: &self.remote.file, done: self.before + *here })?;
        }
    }

    fn network(&self, source: io::Error) -> HubError {
        HubError::Network { url: self.remote.url.clone(), source: Box::new(source.into()) }
    }
}

/// Whether `response` gives the bytes from `start` on.
fn continues(response: &Response<Body>, start: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|value| value.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    response.status() == 206 && first == Some(start)
}
