//! What a logger cut short, which says so at the end of what is left.

use serde_json::{Map, Value as Json};

/// Keys by which a logger says that an object is not all that there was.
const KEYS: [&str; 4] = ["_truncated", "__truncated", "__truncated__", "$truncated"];

/// Words for having been cut.
const WORDS: [&str; 4] = ["truncated", "omitted", "trimmed", "elided"];

/// That word without brackets, behind dots.
const ENDS: [&str; 2] = ["...truncated", "\u{2026}truncated"];

/// Of what there was more.
const UNITS: [&str; 4] = ["char", "byte", "line", "item"];

/// Whether an object was cut, or a text in it.
pub fn object(object: &Map<String, Json>) -> bool {
    object.iter().any(|(key, entry)| KEYS.contains(&key.as_str()) && entry != &Json::Bool(false) || value(entry))
}

fn value(value: &Json) -> bool {
    match value {
        Json::String(text) => self::text(text),
        Json::Array(items) => items.iter().any(self::value),
        Json::Object(entries) => object(entries),
        _ => false,
    }
}

/// Whether a text ends with a logger's mark: in brackets that it was cut, behind dots or with how much there was; or that
/// alone. An agent may well write of something that it is `(truncated)`.
pub fn text(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || "\"'.}".contains(c));
    let (open, inside) = match text.chars().next_back() {
        Some(']') => ('[', text),
        Some(')') => ('(', text),
        Some('>') => ('<', text),
        _ => return ENDS.iter().any(|end| ends_with(text, end)),
    };
    let Some((before, mark)) = inside.rsplit_once(open) else { return false };
    let mark = mark.to_lowercase();
    let says = WORDS.iter().any(|word| mark.contains(word));
    let counts = mark.contains(|c: char| c.is_ascii_digit()) && UNITS.iter().any(|unit| mark.contains(unit));
    let before = before.trim_end();
    let dots = before.ends_with("...")
        || before.ends_with('\u{2026}')
        || mark.starts_with("...")
        || mark.starts_with('\u{2026}');
    says && (dots || counts || before.is_empty()) || counts && (dots || mark.contains("more"))
}

/// Whether a text ends so, in letters of any case.
fn ends_with(text: &str, end: &str) -> bool {
    let from = text.len().checked_sub(end.len());
    from.and_then(|from| text.get(from..)).is_some_and(|it| it.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_mark_of_a_logger_is_told_from_what_agents_write() {
        for cut in [
            "the disk is fu... [truncated]",
            "the disk is fu...[TRUNCATED]",
            "the disk is fu\u{2026} (truncated)",
            "the disk is fu[truncated 1200 chars]",
            "the disk is fu...<1200 more characters>",
            "the disk is fu... [+1200 chars]",
            "the disk is fu (1200 bytes omitted)",
            "[truncated]",
            "{\"note\": \"the disk is fu...(1200 more chars)",
            "the disk...truncated",
            "the disk...Truncated.",
            "the disk\u{2026}truncated",
        ] {
            assert!(text(cut), "{cut}");
        }
        for whole in [
            "The log (truncated)",
            "ends here...",
            "rows [1, 2]",
            "said [3 items]",
            "a note (12 lines)",
            "",
            "cut ...(see above)",
        ] {
            assert!(!text(whole), "{whole}");
        }
    }
}
