//! Large numbers as people read them.

/// `1.07 billion`, `2.5 million`, `960`.
pub(crate) fn in_words(number: usize) -> String {
    let number = number as f64;
    match number {
        1e9.. => format!("{:.2} billion", number / 1e9),
        1e6.. => format!("{:.1} million", number / 1e6),
        1e3.. => format!("{:.0} thousand", number / 1e3),
        _ => number.to_string(),
    }
}

/// `2.14 GB`, `167.3 MB`, `960 bytes`: in powers of a thousand, as disks are sold.
pub(crate) fn bytes(number: u64) -> String {
    let number = number as f64;
    match number {
        1e9.. => format!("{:.2} GB", number / 1e9),
        1e6.. => format!("{:.1} MB", number / 1e6),
        1e3.. => format!("{:.0} kB", number / 1e3),
        _ => format!("{number} bytes"),
    }
}

/// Reads `2GB`, `500 MB`, `1.5gb` or a number of bytes.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        _ => return Err("expected a number and kB, MB or GB".into()),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number and kB, MB or GB")?;
    match number * unit {
        size @ 1.0..1e18 => Ok(size as u64),
        _ => Err("expected at least one byte".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_bytes("1.5 mb"), Ok(1_500_000));
        assert_eq!(parse_bytes("960"), Ok(960));
        for wrong in ["", "GB", "0", "-1", "1e9", "2 apples", "1.2.3", "99999999999999999999GB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
