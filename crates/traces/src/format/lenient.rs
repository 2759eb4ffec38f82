//! JSON as Python writes it: with NaN and infinities, which JSON does not have. They are read as texts.

use serde_json::Value as Json;
use std::borrow::Cow;

/// The numbers that Python writes and JSON does not have; the longer first where one ends with another.
const NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// What is to be said of a trace with such numbers.
pub const NOTE: &str = "the file has NaN or Infinity where JSON has no such number; each is read as the text of it";

/// The value of a text, and whether there are such numbers in it. Only a text that is no JSON is looked through for them.
pub fn parse(text: &str) -> serde_json::Result<(Json, bool)> {
    serde_json::from_str(text).map(|value| (value, false)).or_else(|error| match quoted(text) {
        Cow::Borrowed(_) => Err(error),
        // What is still wrong stands at a place in the text as it was.
        Cow::Owned(quoted) => serde_json::from_str(&quoted).map(|value| (value, true)).map_err(|_| error),
    })
}

/// The text with these numbers in quotation marks, but for what stands in texts already.
fn quoted(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut done, mut at, mut inside) = (0, 0, false);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let number = || NUMBERS.into_iter().find(|number| bytes[at..].starts_with(number.as_bytes()));
        match byte {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            b'-' | b'I' | b'N' if !inside => {
                if let Some(number) = number() {
                    out.push_str(&text[done..at]);
                    out.extend(["\"", number, "\""]);
                    at += number.len();
                    done = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    match done {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[done..]),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn numbers_that_json_does_not_have_are_texts_and_all_else_stays() {
        let (value, lenient) =
            parse(r#"{"a": [NaN, -Infinity, Infinity, -1.5], "b": "NaN \" Infinity", "NaN": {"c":NaN}}"#).unwrap();
        assert_eq!(
            value,
            json!({"a": ["NaN", "-Infinity", "Infinity", -1.5], "b": "NaN \" Infinity", "NaN": {"c": "NaN"}})
        );
        assert!(lenient);
    }

    #[test]
    fn what_is_no_json_without_them_is_none_with_them() {
        for text in ["{\"a\": NaN", "Information", "[NaNNaN]", "nan", "- Infinity", "NaN\": 1"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("{\"a\": 1}").unwrap(), (json!({"a": 1}), false));
    }
}
