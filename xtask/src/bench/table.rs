//! What was found, as tables in Markdown.

use super::bounds::{Bound, Measure};
use super::record::{Record, Row, Spread};

/// Every row: medians with their spread, the ratio to the faster reference, what was set out for, and the share of the
/// machine's peak; below it that peak, and how quiet the machine was.
pub(super) fn table(record: &Record) -> String {
    let mut table = String::from(
        "| | ours | diffusers | channels last | ratio to the faster | must | hope | of the peak |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in record.rows() {
        let values = row.values.map(|value| value.map_or(String::new(), |value| spread(value, row.unit)));
        let share = row.share.map_or(String::new(), |share| format!("{:.0} %", 100.0 * share));
        let [must, hope] = bounds(&row);
        let cells = [row.what.to_owned()].into_iter().chain(values).chain([ratio(&row), must, hope, share]);
        table += &line(cells);
    }
    let peak = record.peak().map(|peak| {
        let peak = peak / 1e9;
        format!(
            "The machine's peak: {peak:.0} thousand million multiplications, each with an addition, a second."
        )
    });
    let others = record.others().map(|share| {
        let percent = 100.0 * share;
        format!("In the turn that was disturbed most, others took {percent:.0} % of the processor.")
    });
    let notes: Vec<String> = peak.into_iter().chain(others).collect();
    if !notes.is_empty() {
        table += &format!("\n{}\n", notes.join(" "));
    }
    table
}

/// The rows that were set out for, for whom the better of the reference's two is enough.
pub(super) fn short(record: &Record) -> String {
    let mut table = String::from("| | here | diffusers | ratio |\n|---|---:|---:|---:|\n");
    for row in record.rows().iter().filter(|row| Bound::on(row.what).is_some()) {
        let value =
            |value: Option<Spread>| value.map_or(String::new(), |value| number(value.median, row.unit));
        let ratio = row.ratio.map_or(String::new(), |ratio| format!("{:.2}", ratio.median));
        table += &line([row.what.to_owned(), value(row.ours()), value(row.reference), ratio]);
    }
    table
}

/// How an evaluation grows, beside what was expected; empty if it was not measured.
pub(super) fn growth(record: &Record) -> String {
    let Some(first) = record.growth().first() else { return String::new() };
    let of = first["of"].as_str().unwrap_or_default();
    let mut table = format!("| | seconds | {of} | ratio | expected |\n|---|---:|---:|---:|---:|\n");
    for row in record.growth() {
        let value = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        let (seconds, of_seconds) = (value("seconds"), value("of_seconds"));
        let ratio = seconds / of_seconds;
        let numbers = [seconds, of_seconds, ratio, value("expected_ratio")].map(|x| format!("{x:.2}"));
        table += &line([row["case"].as_str().unwrap_or_default().to_owned()].into_iter().chain(numbers));
    }
    table
}

/// The ratio with its spread over the rounds.
fn ratio(row: &Row) -> String {
    match row.ratio {
        Some(Spread { median, least, greatest }) if least < greatest => {
            format!("{median:.2} ({least:.2}–{greatest:.2})")
        }
        Some(Spread { median, .. }) => format!("{median:.2}"),
        None => String::new(),
    }
}

/// What must be and what is hoped, each with whether it is.
fn bounds(row: &Row) -> [String; 2] {
    let Some(bound) = Bound::on(row.what) else { return Default::default() };
    let value = bound.value(row);
    [bound.must, bound.hope].map(|limit| {
        let shown = match bound.of {
            Measure::Ratio => format!("{limit:.2}"),
            Measure::Megabytes => number(limit, "MB"),
        };
        let mark = value.map_or("", |value| if value <= limit { " ✓" } else { " ✗" });
        format!("{shown}{mark}")
    })
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

fn number(value: f64, unit: &str) -> String {
    let (scale, digits, unit) = scale(value, unit);
    format!("{:.digits$} {unit}", value * scale)
}

/// The median, and in brackets the ends where they differ.
fn spread(values: Spread, unit: &str) -> String {
    let Spread { median, least, greatest } = values;
    let (scale, digits, _) = scale(median, unit);
    let ends = [least, greatest].map(|value| format!("{:.digits$}", value * scale));
    match ends[0] == ends[1] {
        true => number(median, unit),
        false => format!("{} ({}–{})", number(median, unit), ends[0], ends[1]),
    }
}

/// A factor, digits after the point, and a unit in which `value` is easily read.
fn scale(value: f64, unit: &str) -> (f64, usize, &str) {
    match unit {
        "s" if value < 0.1 => (1e3, 2, "ms"),
        "s" if value < 1.0 => (1e3, 0, "ms"),
        "s" => (1.0, 2, "s"),
        "MB" if value >= 1000.0 => (1e-3, 2, "GB"),
        _ => (1.0, 0, unit),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::super::record::{Contender, Record, Turn};
    use super::{growth, short, table};

    fn record() -> Record {
        let mut record = Record::default();
        let mut add = |what: &str, unit, values: [[f64; 2]; 3]| {
            for (contender, values) in Contender::ALL.into_iter().zip(values) {
                for (round, value) in values.into_iter().enumerate() {
                    record.add(Turn { part: Part::Full, contender, round: round as u8 }, what, unit, value);
                }
            }
        };
        add("full size, decode", "s", [[4.0, 5.0], [10.0, 10.0], [8.0, 9.0]]);
        add("a layer", "s", [[0.05, 0.05], [0.5, 0.5], [2.0, 2.0]]);
        record
    }

    #[test]
    fn a_row_says_how_sure_it_is_and_whether_it_is_enough() {
        let table = table(&record());
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows[0],
            "| full size, decode | 4.50 s (4.00–5.00) | 10.00 s | 8.50 s (8.00–9.00) | 0.53 (0.50–0.56) | 0.55 ✓ | 0.45 ✗ |  |"
        );
        assert_eq!(rows[1], "| a layer | 50.00 ms | 500 ms | 2.00 s | 0.10 |  |  |  |");
    }

    #[test]
    fn the_short_table_has_what_was_set_out_for() {
        let short = short(&record());
        assert_eq!(
            short.lines().skip(2).collect::<Vec<_>>(),
            ["| full size, decode | 4.50 s | 8.50 s | 0.53 |"]
        );
    }

    #[test]
    fn growth_is_beside_what_was_expected() {
        let mut record = record();
        assert_eq!(growth(&record), "");
        let row = serde_json::json!(
            {"case": "samples: 4", "seconds": 11.0, "of": "2 samples", "of_seconds": 5.0, "expected_ratio": 2.0}
        );
        record.set_growth(vec![row]);
        assert_eq!(growth(&record).lines().last(), Some("| samples: 4 | 11.00 | 5.00 | 2.20 | 2.00 |"));
    }
}
