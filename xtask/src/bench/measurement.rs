//! One run of a program: how long it took, how much memory, and what it measured itself.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::process::line;

/// A finished run.
pub(super) struct Run {
    /// From start to exit.
    pub(super) seconds: f64,
    /// The most memory that was resident at once, mapped files included.
    pub(super) resident_mb: f64,
    /// Objects that the program printed, one a line.
    pub(super) lines: Vec<Value>,
}

/// Runs `command` to its end.
pub(super) fn measure(command: &mut Command) -> Result<Run> {
    let shown = line(command);
    let start = Instant::now();
    let child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot run {shown}: {e}"))?;
    let watched = watch(&child);
    let output = child.wait_with_output()?;
    let seconds = start.elapsed().as_secs_f64();
    let resident_mb = watched.join().map_err(|_| "the watcher of memory failed")?;
    if !output.status.success() {
        return Err(format!("{shown}: {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter(|line| line.starts_with('{')).map(serde_json::from_str);
    Ok(Run { seconds, resident_mb, lines: lines.collect::<std::result::Result<_, _>>()? })
}

/// Reads the memory of `child` every few milliseconds until it is gone.
fn watch(child: &Child) -> std::thread::JoinHandle<f64> {
    let path = format!("/proc/{}/status", child.id());
    std::thread::spawn(move || {
        let mut resident = 0.0_f64;
        // A process that has ended still has the file for a moment, but no memory.
        while let Ok(status) = std::fs::read_to_string(&path)
            && let Some(high) = field(&status, "VmHWM:")
        {
            resident = resident.max(high);
            std::thread::sleep(Duration::from_millis(5));
        }
        resident
    })
}

/// A field of `/proc/PID/status`, given there in KiB, in MB.
fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0 / 1e6)
}
