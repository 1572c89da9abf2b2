//! Lists, tuples, texts and numbers as Python writes them, as JSON.

/// The JSON of a Python literal: tuples become lists, and texts get double quotes. What is no literal becomes what is no
/// JSON, and is refused by who reads it.
pub(super) fn to_json(literal: &str) -> String {
    let mut json = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\'' | '"' => {
                let (text, after) = text(after, c);
                json += &serde_json::Value::from(text).to_string();
                after
            }
            '(' | '[' => {
                json.push('[');
                after
            }
            ')' | ']' | '}' => {
                // Python allows a comma behind the last value, and has to after the only one of a tuple.
                let length = json.trim_end().trim_end_matches(',').len();
                json.truncate(length);
                json.push(if c == '}' { '}' } else { ']' });
                after
            }
            _ => match [("True", "true"), ("False", "false"), ("None", "null")]
                .into_iter()
                .find_map(|(word, value)| Some((rest.strip_prefix(word)?, value)))
            {
                Some((after, value)) => {
                    json += value;
                    after
                }
                None => {
                    json.push(c);
                    after
                }
            },
        };
    }
    json
}

/// The text that ends at the next `quote`, and what follows it.
fn text(literal: &str, quote: char) -> (String, &str) {
    let mut text = String::new();
    let mut chars = literal.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return (text, &literal[at + c.len_utf8()..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped)) => text.push(escaped),
                None => {}
            },
            _ => text.push(c),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_json() {
        for (literal, json) in [
            ("[('a cat', [21, 281.5, 211, 159]), ]", r#"[["a cat", [21, 281.5, 211, 159]]]"#),
            (r#"[("a dog's \"bone\"", (1,))]"#, r#"[["a dog's \"bone\"", [1]]]"#),
            (r"[{'name': 'it\'s', 'is': True, 'no': None}]", r#"[{"name": "it's", "is": true, "no": null}]"#),
            ("['open", r#"["open""#),
        ] {
            assert_eq!(to_json(literal), json);
        }
    }
}
