//! As much HTTP as the clients need, over a connection for each request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Who waits longer than this for a word has been forgotten.
const PATIENCE: Duration = Duration::from_secs(60);

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

/// Sends a request and leaves its answer to be read.
///
/// HTTP/1.0, for which an answer ends with its connection and comes in one piece.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())?;
    Ok(stream)
}

impl Answer {
    /// The answer that comes on `stream`.
    pub(crate) fn read(mut stream: TcpStream) -> io::Result<Self> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.ok_or_else(|| io::Error::other(format!("an answer of {} bytes", bytes.len())))?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("an answer without a status: {head}")))?;
        Ok(Self { status, head, body: bytes.split_off(end + 4) })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Its JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads server-sent events up to the first for which `is_last` of its name holds; gives its name and data.
pub(crate) fn events(
    stream: TcpStream,
    mut is_last: impl FnMut(&str) -> bool,
) -> io::Result<(String, Value)> {
    let mut name = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(event) = line.strip_prefix("event: ") {
            name = event.into();
        } else if let Some(data) = line.strip_prefix("data: ")
            && is_last(&name)
        {
            return Ok((name, serde_json::from_str(data)?));
        }
    }
    Err(io::Error::other(format!("the events stopped after `{name}`")))
}
