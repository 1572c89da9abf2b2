//! A hub in the test's own process, with the routes that fetching a model takes.
//!
//! ```text
//! GET  /api/models/OWNER/NAME/revision/REVISION        commit and paths of all files
//! HEAD /OWNER/NAME/resolve/COMMIT/PATH                 ETag and size; of a large file, where it lies
//! GET  the same                                        a small file, or the way to the storage
//! GET  STORAGE/CHECKSUM?signature=…                    a large file, on another port: to a client, another host
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// From this size on, in bytes, a file is a large one.
const LARGE: usize = 4096;

/// Bytes sent at a time by [`Fault::Slow`].
const PIECE: usize = 16 << 10;

/// A hub that listens on the loopback interface until the test ends.
pub struct HubServer {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

/// A request that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// As `GET /owner/name/resolve/…`; those to the storage begin with `GET STORAGE/`.
    pub line: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Range`.
    pub range: Option<String>,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// A byte in the middle is another one.
    Flip,
    /// The whole file comes, whatever part was asked for.
    NoRanges,
    /// This status, with these lines for headers.
    Status(u16, &'static str),
    /// A pause before every 16 KiB.
    Slow(Duration),
}

type Files = BTreeMap<String, Arc<[u8]>>;

#[derive(Default)]
struct State {
    storage: String,
    /// Commits by `owner/name@revision`.
    commits: BTreeMap<String, String>,
    /// Files by `owner/name@commit`.
    files: BTreeMap<String, Files>,
    faults: Vec<(String, usize, Fault)>,
    seen: Vec<Seen>,
}

impl HubServer {
    /// Starts one that has nothing yet.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let storage = listen(&state, "STORAGE");
        lock(&state).storage = storage;
        Self { endpoint: listen(&state, ""), state }
    }

    /// Its address, for `HF_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes `revision` of the repository `name` a new commit with `files`; returns the commit.
    pub fn commit<'a>(
        &self,
        name: &str,
        revision: &str,
        files: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
    ) -> String {
        let files: Files = files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        let mut digest = Sha1::new();
        for (path, bytes) in &files {
            digest.update(format!("{path}\0{}\0", checksum(bytes)));
        }
        let commit = hex(digest);
        let mut state = lock(&self.state);
        state.commits.insert(format!("{name}@{revision}"), commit.clone());
        state.commits.insert(format!("{name}@{commit}"), commit.clone());
        state.files.insert(format!("{name}@{commit}"), files);
        commit
    }

    /// [`HubServer::commit`] of all files in `folder`, and in the folders in it.
    pub fn commit_folder(&self, name: &str, revision: &str, folder: &Path) -> String {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(inner) = folders.pop() {
            for entry in inner.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                    files.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        self.commit(name, revision, files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())))
    }

    /// Lets the next `times` requests go wrong whose line contains `what`. Of several faults, the first counts.
    pub fn fail(&self, what: &str, times: usize, fault: Fault) {
        lock(&self.state).faults.push((what.into(), times, fault));
    }

    /// The requests since this was last asked for.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state).seen)
    }
}

/// What a hub calls a file with these bytes: SHA-256 of a large one, of a small one what git calls it.
fn checksum(bytes: &[u8]) -> String {
    if bytes.len() >= LARGE {
        return hex(Sha256::new_with_prefix(bytes));
    }
    hex(Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes))
}

fn hex(digest: impl Digest) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A test that has failed already may leave it poisoned.
    state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Serves on a port of its own, whose address is returned.
fn listen(state: &Arc<Mutex<State>>, prefix: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let state = state.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = state.clone();
            // A client that goes away in the middle is no matter of the server's.
            std::thread::spawn(move || drop(serve(stream, &state, prefix)));
        }
    });
    address
}

/// One request, one answer.
fn serve(stream: TcpStream, state: &Mutex<State>, prefix: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let line = format!("{method} {prefix}{path}");
    let range = headers.get("range").cloned();
    let mut state = lock(state);
    state.seen.push(Seen {
        line: line.clone(),
        authorization: headers.get("authorization").cloned(),
        range: range.clone(),
    });
    let fault = state.fault(&line);
    let answer = match &fault {
        Some(Fault::Status(status, headers)) => Answer::empty(*status, headers),
        _ if prefix == "STORAGE" => state.stored(path),
        _ => state.answer(path),
    };
    drop(state);

    let start =
        range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    answer.send(&stream, method == "HEAD", start, fault)
}

impl State {
    fn fault(&mut self, line: &str) -> Option<Fault> {
        let place =
            self.faults.iter().position(|(what, times, _)| *times > 0 && line.contains(what.as_str()))?;
        self.faults[place].1 -= 1;
        Some(self.faults[place].2.clone())
    }

    fn stored(&self, path: &str) -> Answer {
        let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let bytes = self.files.values().flat_map(BTreeMap::values).find(|bytes| checksum(bytes) == name);
        // What a storage calls an ETag is no checksum.
        bytes.map_or_else(
            || Answer::empty(404, ""),
            |bytes| Answer::of(bytes, "ETag: \"storage-3\"\r\n".into()),
        )
    }

    fn answer(&self, path: &str) -> Answer {
        let path = path.replace("%2F", "/");
        if let Some(rest) = path.strip_prefix("/api/models/") {
            let Some(commit) = self.commits.get(&rest.replace("/revision/", "@")) else {
                let name = rest.split("/revision/").next().unwrap_or_default();
                let known = self.commits.keys().any(|key| key.starts_with(&format!("{name}@")));
                let code = if known { "RevisionNotFound" } else { "RepoNotFound" };
                return Answer::empty(if known { 404 } else { 401 }, &format!("X-Error-Code: {code}\r\n"));
            };
            let name = rest.split("/revision/").next().unwrap_or_default();
            let files = self.files[&format!("{name}@{commit}")].keys();
            let siblings: Vec<_> = files.map(|file| serde_json::json!({"rfilename": file})).collect();
            let json = serde_json::json!({"id": name, "sha": commit, "siblings": siblings});
            return Answer::of(&Arc::from(json.to_string().into_bytes()), String::new());
        }
        let found = path.trim_start_matches('/').split_once("/resolve/").and_then(|(name, rest)| {
            let (commit, file) = rest.split_once('/')?;
            Some((commit, self.files.get(&format!("{name}@{commit}"))?.get(file)?))
        });
        let Some((commit, bytes)) = found else {
            return Answer::empty(404, "X-Error-Code: EntryNotFound\r\n");
        };
        let (checksum, commit) = (checksum(bytes), format!("X-Repo-Commit: {commit}\r\n"));
        if bytes.len() < LARGE {
            return Answer::of(bytes, format!("{commit}ETag: \"{checksum}\"\r\n"));
        }
        let storage = &self.storage;
        let size = bytes.len();
        Answer::empty(
            302,
            &format!(
                "{commit}X-Linked-Etag: \"{checksum}\"\r\nX-Linked-Size: {size}\r\nETag: \"none\"\r\n\
                 Location: {storage}/{checksum}?signature=secret\r\n"
            ),
        )
    }
}

struct Answer {
    status: u16,
    headers: String,
    body: Arc<[u8]>,
}

impl Answer {
    fn of(body: &Arc<[u8]>, headers: String) -> Self {
        Self { status: 200, headers, body: body.clone() }
    }

    fn empty(status: u16, headers: &str) -> Self {
        Self { status, headers: headers.into(), body: Arc::from([]) }
    }

    fn send(
        mut self,
        mut stream: &TcpStream,
        head: bool,
        start: Option<usize>,
        fault: Option<Fault>,
    ) -> std::io::Result<()> {
        let mut start = start.filter(|_| self.status == 200 && !matches!(fault, Some(Fault::NoRanges)));
        let whole = self.body.len();
        match start {
            Some(first) if first >= whole => {
                (self.status, self.body, start) = (416, Arc::from([]), None);
            }
            Some(first) => {
                self.status = 206;
                self.headers += &format!("Content-Range: bytes {first}-{}/{whole}\r\n", whole - 1);
            }
            None => {}
        }
        let mut body = self.body[start.unwrap_or(0)..].to_vec();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {} -\r\n{}Content-Length: {length}\r\nConnection: close\r\n\r\n",
            self.status, self.headers
        )?;
        if head {
            return Ok(());
        }
        match fault {
            Some(Fault::Cut(bytes)) => body.truncate(bytes),
            Some(Fault::Flip) => body[length / 2] ^= 1,
            _ => {}
        }
        for piece in body.chunks(PIECE) {
            if let Some(Fault::Slow(pause)) = fault {
                std::thread::sleep(pause);
            }
            stream.write_all(piece)?;
        }
        Ok(())
    }
}
