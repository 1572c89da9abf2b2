//! The server under load: a process of its own, as users start it.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use super::http::{Answer, send};
use crate::Result;
use crate::measurement::peak_resident_mb;
use crate::process::program;

/// A running `gligen serve` with the built-in model.
pub(crate) struct Service {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Service {
    pub(crate) fn start(gligen: &Path) -> Result<Self> {
        let mut command = program(gligen);
        command.args(["serve", "--port", "0"]).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|e| format!("cannot run {}: {e}", gligen.display()))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output of the server")?).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").parse()?;
        Ok(Self { process, address })
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        Answer::read(send(self.address, method, path, headers, body)?)
    }

    pub(crate) fn get(&self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, "", "")
    }

    /// The number that `/metrics` gives for `name`.
    pub(crate) fn metric(&self, name: &str) -> Result<usize> {
        let text = self.get("/metrics")?.text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.ok_or_else(|| format!("no {name} in the metrics"))?.parse()?)
    }

    /// The most memory that it ever had.
    pub(crate) fn peak_mb(&self) -> Result<f64> {
        peak_resident_mb(self.process.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
