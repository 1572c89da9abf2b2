//! What a benchmark found: raw numbers to keep, and what they come to.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::Part;
use super::bounds::Bound;

/// Who is measured, in the order of the table's columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    /// This workspace, on flex.
    Ours,
    /// diffusers on torch's CPU kernels, as it comes.
    Reference,
    /// The same with weights and feature maps in channels-last order.
    ReferenceChannelsLast,
}

impl Contender {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::Reference, Self::ReferenceChannelsLast];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Reference => "diffusers",
            Self::ReferenceChannelsLast => "diffusers, channels last",
        }
    }
}

/// Whose turn it is. What belongs to one round came one after the other, and is compared with one another.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) part: Part,
    pub(super) contender: Contender,
    pub(super) round: u8,
}

/// One number.
struct Sample {
    turn: Turn,
    what: String,
    unit: String,
    value: f64,
}

/// All numbers of a benchmark.
#[derive(Default)]
pub(super) struct Record {
    samples: Vec<Sample>,
    /// Rows of `gligen-bench growth`.
    growth: Vec<Value>,
    /// For each part that was measured, when and on what.
    circumstances: Map<String, Value>,
}

/// What the numbers of one name come to.
pub(super) struct Row<'a> {
    pub(super) what: &'a str,
    pub(super) unit: &'a str,
    /// Of each contender, as [`Contender::ALL`] has them.
    pub(super) values: [Option<Spread>; 3],
    /// The better of the reference's two: the one whose median is the least.
    pub(super) reference: Option<Spread>,
    /// Ours by that, round by round.
    pub(super) ratio: Option<Spread>,
    /// Multiplications in a second by what the machine could do.
    pub(super) share: Option<f64>,
}

impl Row<'_> {
    pub(super) fn ours(&self) -> Option<Spread> {
        self.values[0]
    }
}

/// The middle of some numbers, and their ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) greatest: f64,
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&least, &greatest) = (values.first()?, values.last()?);
        let median = (values[values.len() / 2] + values[(values.len() - 1) / 2]) / 2.0;
        Some(Self { median, least, greatest })
    }
}

/// Units of what is no row of the table.
const COUNT: &str = "multiply-adds";
const PEAK: &str = "multiply-adds/s";
const OTHERS: &str = "of the processor";

impl Record {
    /// Forgets what an earlier run has found for `part`, which is measured anew under `circumstances`.
    pub(super) fn begin(&mut self, part: Part, circumstances: Value) {
        self.samples.retain(|sample| sample.turn.part != part);
        self.circumstances.insert(name(part), circumstances);
    }

    pub(super) fn add(&mut self, turn: Turn, what: &str, unit: &str, value: f64) {
        self.samples.push(Sample { turn, what: what.into(), unit: unit.into(), value });
    }

    /// Adds what others took of the processor in a turn, 0 to 1.
    pub(super) fn add_others(&mut self, turn: Turn, share: f64) {
        self.add(turn, "others", OTHERS, share);
    }

    pub(super) fn set_growth(&mut self, rows: Vec<Value>) {
        self.growth = rows;
    }

    pub(super) fn growth(&self) -> &[Value] {
        &self.growth
    }

    /// Multiplications, each with an addition, that the machine can do in a second; the most that was seen.
    pub(super) fn peak(&self) -> Option<f64> {
        self.greatest(PEAK)
    }

    /// The most that others took of the processor in a turn, 0 to 1.
    pub(super) fn others(&self) -> Option<f64> {
        self.greatest(OTHERS)
    }

    fn greatest(&self, unit: &str) -> Option<f64> {
        self.samples.iter().filter(|s| s.unit == unit).map(|s| s.value).max_by(f64::total_cmp)
    }

    /// What was measured, part by part, in the order in which it came.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let mut samples: Vec<&Sample> =
            self.samples.iter().filter(|s| ![COUNT, PEAK, OTHERS].contains(&s.unit.as_str())).collect();
        samples.sort_by_key(|sample| sample.turn.part);
        let mut rows: Vec<Row> = Vec::new();
        for sample in samples {
            if rows.iter().all(|row| row.what != sample.what) {
                rows.push(self.row(&sample.what, &sample.unit));
            }
        }
        rows
    }

    fn row<'a>(&self, what: &'a str, unit: &'a str) -> Row<'a> {
        let values = Contender::ALL.map(|contender| {
            Spread::of(self.values(what, unit, contender).into_iter().map(|(_, value)| value))
        });
        let references = Contender::ALL.into_iter().zip(values).skip(1);
        let references = references.filter_map(|(contender, spread)| Some((contender, spread?)));
        let faster = references.min_by(|a, b| a.1.median.total_cmp(&b.1.median));
        let ratio = faster.and_then(|(contender, _)| {
            let theirs = self.values(what, unit, contender);
            let ours = self.values(what, unit, Contender::Ours);
            Spread::of(ours.iter().filter_map(|(round, value)| {
                let (_, their) = theirs.iter().find(|(r, _)| r == round)?;
                Some(value / their)
            }))
        });
        let count = self.values(what, COUNT, Contender::Ours).first().map(|(_, count)| *count);
        let share =
            count.zip(values[0]).zip(self.peak()).map(|((count, ours), peak)| count / ours.median / peak);
        Row { what, unit, values, reference: faster.map(|(_, spread)| spread), ratio, share }
    }

    /// The numbers of `contender` with their rounds.
    fn values(&self, what: &str, unit: &str, contender: Contender) -> Vec<(u8, f64)> {
        let is_meant = |s: &&Sample| s.what == what && s.unit == unit && s.turn.contender == contender;
        self.samples.iter().filter(is_meant).map(|s| (s.turn.round, s.value)).collect()
    }

    /// All of it, and what it comes to.
    pub(super) fn json(&self) -> Value {
        let spread = |spread: Spread| json!([spread.least, spread.median, spread.greatest]);
        let rows: Vec<Value> = self
            .rows()
            .iter()
            .map(|row| {
                let bound = Bound::on(row.what);
                json!({
                    "what": row.what,
                    "unit": row.unit,
                    "ours: least, median, greatest": row.ours().map(spread),
                    "faster reference": row.reference.map(spread),
                    "ratio": row.ratio.map(spread),
                    "must": bound.map(|bound| bound.must),
                    "hope": bound.map(|bound| bound.hope),
                    "share of peak": row.share,
                })
            })
            .collect();
        json!({
            "circumstances": self.circumstances,
            "peak, multiply-adds/s": self.peak(),
            "rows": rows,
            "growth": self.growth,
            "samples": self.samples.iter().map(Sample::json).collect::<Vec<_>>(),
        })
    }

    /// The record in the text of [`Record::json`]; `None` if it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            samples: value["samples"].as_array()?.iter().map(Sample::read).collect::<Option<_>>()?,
            growth: value["growth"].as_array()?.clone(),
            circumstances: value["circumstances"].as_object()?.clone(),
        })
    }
}

impl Sample {
    fn json(&self) -> Value {
        let Self { turn, what, unit, value } = self;
        let (part, who) = (name(turn.part), turn.contender.name());
        json!({"part": part, "who": who, "round": turn.round, "what": what, "unit": unit, "value": value})
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value[key].as_str();
        let turn = Turn {
            part: Part::from_str(text("part")?, false).ok()?,
            contender: Contender::ALL.into_iter().find(|c| Some(c.name()) == text("who"))?,
            round: value["round"].as_u64()?.try_into().ok()?,
        };
        Some(Self {
            turn,
            what: text("what")?.into(),
            unit: text("unit")?.into(),
            value: value["value"].as_f64()?,
        })
    }
}

/// What the part is called at the shell.
fn name(part: Part) -> String {
    part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::{Contender, Record, Spread, Turn};

    fn record() -> Record {
        let mut record = Record::default();
        for (round, (ours, theirs, others)) in
            [(1.0, 2.0, 9.0), (4.0, 4.0, 9.0), (2.0, 8.0, 1.0)].into_iter().enumerate()
        {
            for (contender, value) in Contender::ALL.into_iter().zip([ours, theirs, others]) {
                record.add(Turn { part: Part::Full, contender, round: round as u8 }, "a step", "s", value);
            }
        }
        let turn = Turn { part: Part::Full, contender: Contender::Ours, round: 0 };
        record.add(turn, "a step", "multiply-adds", 6e9);
        record.add(turn, "peak of the machine", "multiply-adds/s", 1e10);
        record
    }

    #[test]
    fn the_ratio_pairs_the_numbers_of_a_round_with_the_faster_reference() {
        let record = record();
        let rows = record.rows();
        let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
        assert_eq!(row.reference, Some(Spread { median: 4.0, least: 2.0, greatest: 8.0 }));
        assert_eq!(row.ratio, Some(Spread { median: 0.5, least: 0.25, greatest: 1.0 }));
        assert_eq!(row.share, Some(0.3));
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_forgets_a_part_that_begins() {
        let text = record().json().to_string();
        let mut read = Record::read(&text).unwrap();
        assert_eq!(read.json().to_string(), text);
        read.begin(Part::Layers, "now".into());
        assert_eq!(read.rows().len(), 1);
        read.begin(Part::Full, "now".into());
        assert_eq!(read.rows().len(), 0);
    }
}
