//! One run of a program: how long it took, how much memory, and what it measured itself.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::process::line;

/// A finished run.
pub(crate) struct Run {
    /// From start to exit.
    pub(crate) seconds: f64,
    /// The most memory that was resident at once, mapped files included.
    pub(crate) resident_mb: f64,
    /// What other processes and other machines on the same hardware took of the processor meanwhile, 0 to 1.
    pub(crate) others: f64,
    /// Objects that the program printed, one a line.
    pub(crate) lines: Vec<Value>,
}

/// Runs `command` to its end.
pub(crate) fn measure(command: &mut Command) -> Result<Run> {
    let shown = line(command);
    let before = Ticks::now();
    let start = Instant::now();
    let child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot run {shown}: {e}"))?;
    let watched = watch(&child);
    let output = child.wait_with_output()?;
    let seconds = start.elapsed().as_secs_f64();
    let after = Ticks::now();
    let (resident_mb, own_ticks) = watched.join().map_err(|_| "the watcher of memory failed")?;
    if !output.status.success() {
        return Err(format!("{shown}: {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().filter(|line| line.starts_with('{')).map(serde_json::from_str);
    Ok(Run {
        seconds,
        resident_mb,
        others: before.zip(after).map_or(0.0, |(before, after)| before.others(&after, own_ticks)),
        lines: lines.collect::<std::result::Result<_, _>>()?,
    })
}

/// Reads the memory of `child` in MB, and its ticks of the processor, every few milliseconds until it is gone.
fn watch(child: &Child) -> std::thread::JoinHandle<(f64, f64)> {
    let folder = format!("/proc/{}", child.id());
    std::thread::spawn(move || {
        let (mut resident, mut ticks) = (0.0_f64, 0.0);
        // A process that has ended still has the files for a moment, but no memory.
        while let Ok(status) = std::fs::read_to_string(format!("{folder}/status"))
            && let Some(high) = field(&status, "VmHWM:")
            && let Ok(stat) = std::fs::read_to_string(format!("{folder}/stat"))
        {
            resident = resident.max(high);
            // Its name stands in brackets; of what follows, the twelfth and thirteenth are the time for itself and for
            // what the system did for it.
            let numbers = stat.rsplit_once(')').map_or("", |(_, numbers)| numbers).split_whitespace();
            ticks = numbers.skip(11).take(2).filter_map(|number| number.parse::<f64>().ok()).sum();
            std::thread::sleep(Duration::from_millis(5));
        }
        (resident, ticks)
    })
}

/// The most memory that the process `id` ever had resident, in MB.
pub(crate) fn peak_resident_mb(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/status");
    let status = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    field(&status, "VmHWM:").ok_or_else(|| format!("{path}: no VmHWM").into())
}

/// A field of `/proc/PID/status`, given there in KiB, in MB.
fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// What all cores have done since the machine was started.
struct Ticks {
    busy: f64,
    all: f64,
}

impl Ticks {
    fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// Reads the text of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal …`.
    fn parse(stat: &str) -> Option<Self> {
        let numbers = stat.lines().next()?.split_whitespace().skip(1).take(8);
        let numbers: Vec<f64> = numbers.filter_map(|number| number.parse().ok()).collect();
        let all = numbers.iter().sum();
        Some(Self { busy: all - numbers.get(3)? - numbers.get(4)?, all })
    }

    /// The share that was not idle nor `own` until `after`.
    fn others(&self, after: &Self, own: f64) -> f64 {
        ((after.busy - self.busy - own) / (after.all - self.all).max(1.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    #[test]
    fn what_is_neither_idle_nor_ours_is_others() {
        let ticks = |text: &str| Ticks::parse(text).unwrap();
        let before = ticks("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1");
        let after = ticks("cpu  150 10 60 850 60 0 0 20 0 0\ncpu0 1 1");
        // 150 ticks later: 60 idle or waiting for a disk, 90 busy, 20 of which another machine's.
        assert!((before.others(&after, 60.0) - 30.0 / 150.0).abs() < 1e-12);
        assert_eq!(before.others(&after, 100.0), 0.0);
    }
}
