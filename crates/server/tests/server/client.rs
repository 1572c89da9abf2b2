//! A server of one test, and a client that sends what it is told, good or bad.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gligen_pipeline::Pipeline;
use gligen_server::{Options, Server};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Longer than anything takes, even on a machine with other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn start(options: Options) -> Running {
    static PIPELINE: OnceLock<Pipeline> = OnceLock::new();
    let load = || Pipeline::built_in(&gligen_testkit::devices()[0]).unwrap();
    let pipeline = PIPELINE.get_or_init(load).clone();
    let server = Server::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = server.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let run = move || server.run(pipeline, options, async { stopped.await.unwrap_or_default() }).unwrap();
    Running { address, stop: Some(stop), thread: Some(std::thread::spawn(run)) }
}

impl Running {
    /// Asks it to stop; it is done when it is dropped.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub(crate) fn generate(&self, layout: &Value) -> Answer {
        self.ask("POST", "/v1/generate", &[], layout.to_string().as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &["Content-Type: application/json"], body.to_string().as_bytes())
    }

    /// Hands in a layout without waiting for its pictures; gives the job's id.
    pub(crate) fn submit(&self, layout: &Value) -> String {
        let answer =
            self.ask("POST", "/v1/generate", &["Prefer: respond-async"], layout.to_string().as_bytes());
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_string()
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        Answer::read(self.send(method, path, headers, body))
    }

    /// Sends a request and leaves its answer to be read.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let is_given = |name: &str| headers.iter().any(|header| header.to_lowercase().starts_with(name));
        if !is_given("host:") {
            head += &format!("Host: {}\r\n", self.address);
        }
        if !is_given("content-length:") && !is_given("transfer-encoding:") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        headers.iter().for_each(|header| head += &format!("{header}\r\n"));
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that refuses by the head alone may close before all is sent.
        let _ = stream.write_all(body);
        stream
    }

    pub(crate) fn job(&self, id: &str) -> Value {
        self.get(&format!("/v1/jobs/{id}")).json()
    }

    /// Waits until the job has the status.
    pub(crate) fn wait_for(&self, id: &str, status: &str) -> Value {
        let start = Instant::now();
        loop {
            let job = self.job(id);
            if job["status"] == status {
                return job;
            }
            assert!(start.elapsed() < PATIENCE, "{job}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The number that the metrics give for `name`.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        let outcome = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(outcome, Some(Ok(()))));
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The answer that comes on `stream`, to its end.
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// Names and data of the events in it.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let text = self.text();
        let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        names.zip(data).map(|(name, data)| (name.into(), serde_json::from_str(data).unwrap())).collect()
    }
}

/// A job of `steps` steps.
pub(crate) fn layout(steps: usize) -> Value {
    json!({
        "prompt": "a cat on a light blue background",
        "objects": [{"phrase": "a cat", "box": [0.1, 0.2, 0.9, 0.9]}],
        "steps": steps,
        "scheduler": "ddim",
        "seed": 7,
    })
}

/// More steps than any test waits for.
pub(crate) fn endless() -> Value {
    layout(250)
}
