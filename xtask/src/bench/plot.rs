//! The ratios as bars, in SVG.

use super::bounds::{Bound, Measure};
use super::record::{Record, Row, Spread};

/// Sizes in pixels.
const WIDTH: f64 = 960.0;
const LABELS: f64 = 430.0;
const ROW: f64 = 26.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 34.0;
/// The bars' room; what is longer is cut.
const BARS: f64 = WIDTH - LABELS - 80.0;

/// In the light and in the dark, wherever the picture stands.
const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.note { fill: #59636e; font-size: 12px }
.title { font-size: 16px; font-weight: 600 }
.ground { fill: #ffffff }
.bar { fill: #4c8dd6 }
.bar.over { fill: #d9822b }
.spread { stroke: #59636e }
.grid { stroke: #d1d9e0 }
.one { stroke: #1f2328; stroke-width: 1.5 }
.must { stroke: #b3261e; stroke-width: 2.5 }
.hope { stroke: #1a7f37; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .note { fill: #9198a1 } .ground { fill: #0d1117 }
.bar { fill: #388bfd } .bar.over { fill: #db8a3a }
.spread { stroke: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #f0f6fc }
.must { stroke: #ff7b72 } .hope { stroke: #3fb950 }
}";

/// A bar for each row that has a ratio: ours by the faster reference, shorter being better, with the spread over the
/// rounds, and marks at what it must and what it is hoped to be.
pub(super) fn svg(record: &Record) -> String {
    let rows = record.rows();
    let bars: Vec<(&Row, Spread)> = rows.iter().filter_map(|row| Some((row, row.ratio?))).collect();
    let longest = bars.iter().map(|(_, ratio)| ratio.median).fold(1.1, f64::max).min(2.0);
    let x = |ratio: f64| LABELS + BARS * ratio.min(longest) / longest;
    let foot = TOP + ROW * bars.len() as f64;
    let height = foot + BOTTOM;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n\
         <style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n\
         <text class=\"title\" x=\"20\" y=\"30\">Beside diffusers on torch: shorter is better</text>\n"
    );
    svg += &text(
        "note",
        20.0,
        52.0,
        "start",
        "ours by the faster of torch's two layouts; a thin line is the spread over the rounds",
    );
    svg += &legend();
    for mark in (0..).step_by(2).map(|tenths| f64::from(tenths) / 10.0).take_while(|&mark| mark <= longest) {
        let class = if mark == 1.0 { "one" } else { "grid" };
        svg += &line(class, [x(mark), TOP - 6.0], [x(mark), foot]);
        svg += &text("note", x(mark), foot + 18.0, "middle", &format!("{mark:.1}"));
    }
    for (index, (row, ratio)) in bars.into_iter().enumerate() {
        svg += &bar(row, ratio, TOP + ROW * index as f64, x);
    }
    svg + "</svg>\n"
}

/// The row whose upper edge is `y`.
fn bar(row: &Row, ratio: Spread, y: f64, x: impl Fn(f64) -> f64) -> String {
    let (middle, end) = (y + ROW / 2.0, x(ratio.median));
    let class = if ratio.median > 1.0 { "bar over" } else { "bar" };
    let mut svg = text("", LABELS - 12.0, middle + 4.5, "end", &row.what.replace('`', ""));
    svg += &format!(
        "<rect class=\"{class}\" x=\"{LABELS}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>\n",
        y + 5.0,
        end - LABELS,
        ROW - 10.0
    );
    svg += &line("spread", [x(ratio.least), middle], [x(ratio.greatest), middle]);
    let mut right = end.max(x(ratio.greatest));
    if let Some(bound) = Bound::on(row.what).filter(|bound| bound.of == Measure::Ratio) {
        for (class, limit) in [("must", bound.must), ("hope", bound.hope)] {
            svg += &line(class, [x(limit), y + 2.0], [x(limit), y + ROW - 2.0]);
            right = right.max(x(limit));
        }
    }
    svg + &text("note", right + 8.0, middle + 4.5, "start", &format!("{:.2}", ratio.median))
}

fn legend() -> String {
    let mut svg = String::new();
    for (class, words, left) in
        [("must", "must", 700.0), ("hope", "hope", 770.0), ("one", "as fast as torch", 840.0)]
    {
        svg += &line(class, [left, 18.0], [left, 34.0]);
        svg += &text("note", left + 7.0, 30.0, "start", words);
    }
    svg
}

fn line(class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n")
}

fn text(class: &str, x: f64, y: f64, anchor: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::super::record::{Contender, Record, Turn};
    use super::svg;

    #[test]
    fn a_row_with_a_ratio_is_a_bar_and_its_bounds_are_marks() {
        let mut record = Record::default();
        for (what, ours) in [("full size, decode", 4.0), ("a & b", 20.0)] {
            for (contender, value) in [(Contender::Ours, ours), (Contender::Reference, 8.0)] {
                record.add(Turn { part: Part::Full, contender, round: 0 }, what, "s", value);
            }
        }
        let alone = Turn { part: Part::Full, contender: Contender::Ours, round: 0 };
        record.add(alone, "without a reference", "s", 1.0);
        let svg = svg(&record);
        assert_eq!(svg.matches("<rect class=\"bar").count(), 2);
        assert_eq!(svg.matches("<rect class=\"bar over\"").count(), 1);
        // In the legend, and at the one row that has bounds.
        assert_eq!(svg.matches("<line class=\"must\"").count(), 2);
        assert!(svg.contains("a &amp; b") && !svg.contains("without a reference"));
    }
}
