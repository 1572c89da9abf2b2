//! What a benchmark found: raw numbers to keep, and a table of ratios to read.

use std::process::Command;

use serde_json::{Value, json};

use crate::Result;
use crate::process::{output, program};

/// Who is measured, in the order of the table's columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// This workspace, on flex.
    Ours,
    /// diffusers on torch's CPU kernels, as it comes.
    Reference,
    /// The same with weights and feature maps in channels-last order.
    ReferenceChannelsLast,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Reference, Self::ReferenceChannelsLast];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Reference => "diffusers",
            Self::ReferenceChannelsLast => "diffusers, channels last",
        }
    }
}

/// One number.
struct Sample {
    what: String,
    unit: &'static str,
    contender: Contender,
    round: usize,
    value: f64,
}

/// All numbers of a benchmark, in the order they came.
#[derive(Default)]
pub(crate) struct Record {
    samples: Vec<Sample>,
}

impl Record {
    /// Adds a number; those of one round came one after the other and are compared with one another.
    pub(crate) fn add(
        &mut self,
        what: &str,
        unit: &'static str,
        contender: Contender,
        round: usize,
        value: f64,
    ) {
        self.samples.push(Sample { what: what.into(), unit, contender, round, value });
    }

    /// A table in Markdown: medians, and the ratio of ours to each reference with its spread over the rounds.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| | ours | diffusers | ratio | channels last | ratio |\n|---|---:|---:|---:|---:|---:|\n",
        );
        let mut seen: Vec<&str> = Vec::new();
        for sample in &self.samples {
            if seen.contains(&sample.what.as_str()) {
                continue;
            }
            seen.push(&sample.what);
            table += &format!("| {} ", sample.what);
            for contender in Contender::ALL {
                let median = median(self.values(&sample.what, contender));
                table += &format!("| {} ", median.map_or("".into(), |value| number(value, sample.unit)));
                if contender != Contender::Ours {
                    table += &format!("| {} ", self.ratio(&sample.what, contender));
                }
            }
            table += "|\n";
        }
        table
    }

    /// The numbers, with the machine and the versions that gave them.
    pub(crate) fn json(&self, rounds: usize, python: &std::path::Path) -> Result<Value> {
        let samples: Vec<Value> = self.samples.iter().map(Sample::json).collect();
        let versions = "import torch, diffusers, transformers as t; \
                        print(torch.__version__, diffusers.__version__, t.__version__, torch.get_num_threads())";
        Ok(json!({
            "date": line_of(Command::new("date").arg("+%F"))?,
            "commit": line_of(program("git").args(["describe", "--always", "--dirty"]))?,
            "rustc": line_of(program("rustc").arg("--version"))?,
            "torch, diffusers, transformers, threads of torch": line_of(program(python).args(["-c", versions]))?,
            "processor": processor(),
            "cores": std::thread::available_parallelism()?.get(),
            "rounds": rounds,
            "samples": samples,
        }))
    }

    /// Ours by `contender`, round by round: the median and, in brackets, the least and the greatest.
    fn ratio(&self, what: &str, contender: Contender) -> String {
        let theirs = self.values(what, contender);
        let ours = self.values(what, Contender::Ours);
        let pairs = ours.iter().filter_map(|(round, value)| {
            let (_, their) = theirs.iter().find(|(r, _)| r == round)?;
            Some((*round, value / their))
        });
        let mut ratios: Vec<f64> = pairs.clone().map(|(_, ratio)| ratio).collect();
        ratios.sort_by(f64::total_cmp);
        match (median(pairs.collect()), ratios.first(), ratios.last()) {
            (Some(median), Some(least), Some(greatest)) if ratios.len() > 1 => {
                format!("{median:.2} ({least:.2}–{greatest:.2})")
            }
            (Some(median), ..) => format!("{median:.2}"),
            _ => String::new(),
        }
    }

    /// The numbers of `contender` with their rounds.
    fn values(&self, what: &str, contender: Contender) -> Vec<(usize, f64)> {
        let own = self.samples.iter().filter(|s| s.what == what && s.contender == contender);
        own.map(|s| (s.round, s.value)).collect()
    }
}

impl Sample {
    fn json(&self) -> Value {
        let Self { what, unit, contender, round, value } = self;
        json!({"what": what, "who": contender.name(), "round": round, "value": value, "unit": unit})
    }
}

fn median(mut values: Vec<(usize, f64)>) -> Option<f64> {
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (_, high) = values.get(values.len() / 2)?;
    let (_, low) = values.get(values.len().checked_sub(1)? / 2)?;
    Some((low + high) / 2.0)
}

fn number(value: f64, unit: &str) -> String {
    match unit {
        "s" if value < 0.1 => format!("{:.2} ms", value * 1e3),
        "s" if value < 1.0 => format!("{:.0} ms", value * 1e3),
        "s" => format!("{value:.2} s"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// The first line that `command` prints.
fn line_of(command: &mut Command) -> Result<String> {
    Ok(output(command)?.lines().next().unwrap_or_default().to_owned())
}

fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Contender, Record};

    #[test]
    fn the_ratio_pairs_the_numbers_of_a_round() {
        let mut record = Record::default();
        for (round, (ours, theirs)) in [(1.0, 2.0), (4.0, 4.0), (2.0, 8.0)].into_iter().enumerate() {
            record.add("a step", "s", Contender::Ours, round, ours);
            record.add("a step", "s", Contender::Reference, round, theirs);
        }
        let row = "| a step | 2.00 s | 4.00 s | 0.50 (0.25–1.00) |  |  |";
        assert_eq!(record.table().lines().last(), Some(row));
    }
}
