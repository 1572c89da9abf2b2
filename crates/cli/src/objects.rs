//! Phrases, pictures and boxes of the command line, joined to objects.

use std::path::PathBuf;

use gligen_pipeline::LayoutObject;

use crate::failure::Failure;

/// Four corners x0 y0 x1 y1. A type of its own, because clap would take an array for a list of values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corners(pub [f64; 4]);

/// Reads `X0,Y0,X1,Y1`.
pub(crate) fn parse_box(text: &str) -> Result<Corners, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let Ok::<[&str; 4], _>(parts) = parts.try_into() else {
        let found = text.split(',').count();
        return Err(format!("expected four numbers X0,Y0,X1,Y1, found {found}"));
    };
    let mut corners = [0.0f64; 4];
    for ((corner, part), name) in corners.iter_mut().zip(parts).zip(["x0", "y0", "x1", "y1"]) {
        *corner = part.parse().map_err(|_| format!("{name} is `{part}`, expected a number from 0 to 1"))?;
        if !corner.is_finite() {
            return Err(format!("{name} is {part}, expected a number from 0 to 1"));
        }
    }
    Ok(Corners(corners))
}

/// What stands for the phrase or the picture that an object lacks.
const NONE: &str = "-";

/// The n-th phrase, the n-th picture and the n-th box are one object. No phrases at all, or no pictures, say that no
/// object has one.
pub(crate) fn join(
    phrases: &[String],
    images: &[PathBuf],
    boxes: &[Corners],
) -> Result<Vec<LayoutObject>, Failure> {
    let told = [(phrases.len(), "phrase"), (images.len(), "picture")];
    if let Some((found, noun)) = told
        .into_iter()
        .find(|&(found, noun)| found != boxes.len() && (found > 0 || noun == "phrase" && images.is_empty()))
    {
        let flag = if noun == "phrase" { "--phrase" } else { "--image" };
        return Err(Failure::arguments(
            format!("{} and {}", count(found, noun), count(boxes.len(), "box")),
            format!(
                "the n-th {flag} and the n-th --box belong together: give as many of one as of the other, `-` for an \
                 object that has no {noun}"
            ),
        ));
    }
    let object = |(index, corners): (usize, &Corners)| {
        let phrase = phrases.get(index).filter(|phrase| *phrase != NONE).cloned();
        let image = images.get(index).filter(|image| image.as_os_str() != NONE).cloned();
        if phrase.is_none() && image.is_none() {
            return Err(Failure::arguments(
                format!("object {} has neither a phrase nor a picture", index + 1),
                "`-` stands for the phrase of an object that has a picture, or for the picture of one that has a phrase",
            ));
        }
        Ok(LayoutObject { phrase, image, rect: corners.0, ..LayoutObject::default() })
    };
    boxes.iter().enumerate().map(object).collect()
}

/// `no box`, `one box`, `two boxes`, …
fn count(number: usize, noun: &str) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let number_word = WORDS.get(number).map_or(number.to_string(), |word| word.to_string());
    let plural = if number == 1 {
        ""
    } else if noun.ends_with('x') {
        "es"
    } else {
        "s"
    };
    format!("{number_word} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_four_finite_numbers() {
        assert_eq!(parse_box("0, 0.25,.5,1").unwrap().0, [0.0, 0.25, 0.5, 1.0]);
        for wrong in ["", "0,0,1", "0,0,1,1,1", "0,0,1,NaN", "0,0,1,inf", "a,b,c,d"] {
            assert!(parse_box(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_are_words() {
        assert_eq!(count(0, "box"), "no boxes");
        assert_eq!(count(1, "box"), "one box");
        assert_eq!(count(3, "phrase"), "three phrases");
        assert_eq!(count(31, "phrase"), "31 phrases");
    }
}
