//! JSON as Python writes it, with infinities that JSON has not.

/// Makes texts of them: `-Infinity` becomes `"-Infinity"`.
pub(crate) fn quote_infinities(python: &str) -> String {
    let mut json = String::with_capacity(python.len());
    let mut rest = python;
    while !rest.is_empty() {
        let (outside, text) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        json += &outside.replace("Infinity", "\"Infinity\"").replace("-\"", "\"-");
        let (text, after) = text.split_at(length_of_text(text));
        json += text;
        rest = after;
    }
    json
}

/// Bytes from a quotation mark to the one that ends the text, both included; to the end, if there is none.
fn length_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        if character == '"' && !escaped {
            return index + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::quote_infinities;

    #[test]
    fn only_what_stands_outside_of_texts_is_changed() {
        for (python, json) in [
            ("", ""),
            ("[Infinity, -Infinity]", r#"["Infinity", "-Infinity"]"#),
            (r#"{"-Infinity": -Infinity}"#, r#"{"-Infinity": "-Infinity"}"#),
            (r#"{"a \" -Infinity": "b\\"}"#, r#"{"a \" -Infinity": "b\\"}"#),
            (r#"{"b\\": Infinity, "é": 1}"#, r#"{"b\\": "Infinity", "é": 1}"#),
            (r#"{"never ends: -Infinity"#, r#"{"never ends: -Infinity"#),
        ] {
            assert_eq!(quote_infinities(python), json);
        }
    }
}
