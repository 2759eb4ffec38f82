//! Times as the procedures write them: `YYYY-MM-DDTHH:MM:SS`, no zone, whole minutes between them.

use jiff::civil::{Date, DateTime};

/// Read a time, or a day as its midnight. A trailing `Z` is read as no zone: every stored time is UTC.
pub fn parse(text: &str) -> Option<DateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    if !text.is_ascii() {
        return None;
    }
    match text.len() {
        10 => text.parse::<Date>().ok().map(|day| day.at(0, 0, 0, 0)),
        // Shorter ones lack seconds, and jiff also reads forms that do not sort as text.
        19.. if text.as_bytes()[10] == b'T' && text[19..].bytes().all(|b| b == b'.' || b.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// Whether the text is a time or a day.
pub fn is_time(text: &str) -> bool {
    parse(text).is_some()
}

/// The form that is stored and compared: no zone; a day becomes its midnight.
pub fn normalise(text: &str) -> String {
    match text.strip_suffix('Z').unwrap_or(text) {
        day if day.len() == 10 => format!("{day}T00:00:00"),
        time => time.to_owned(),
    }
}

/// The day of a time, or the day itself.
pub fn day(text: &str) -> String {
    text.chars().take("YYYY-MM-DD".len()).collect()
}

/// Whole minutes from one time to another, negative when the second is earlier; none where either is not a time.
pub fn minutes_between(from: &str, to: &str) -> Option<i64> {
    let span = parse(to)?.duration_since(parse(from)?);
    Some(span.as_secs().div_euclid(60))
}

/// The time so many minutes later; none where the text is not a time or the result is out of range.
pub fn add_minutes(time: &str, minutes: i64) -> Option<String> {
    let later = parse(time)?.checked_add(jiff::SignedDuration::from_mins(minutes)).ok()?;
    Some(later.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_days_and_zulu() {
        for text in ["2025-09-01", "2025-09-01T08:30:00", "2025-09-01T08:30:00Z", "2024-03-10T04:30:57.700267"] {
            assert!(is_time(text), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2025-13-01",
            "2025-09-01 08:30:00",
            "2025-09-01T08:30",
            "2025-09-01T08:30:00+02:00",
            "20250901T083000",
            "２０２５-09-01",
        ] {
            assert!(!is_time(text), "{text}");
        }
    }

    #[test]
    fn counts_whole_minutes() {
        assert_eq!(minutes_between("2025-09-01T08:30:00", "2025-09-01T09:31:59"), Some(61));
        assert_eq!(minutes_between("2025-09-01T08:30:00", "2025-09-01T08:29:59"), Some(-1));
        assert_eq!(minutes_between("2025-09-01", "soon"), None);
        assert_eq!(add_minutes("2025-09-01", 1441).as_deref(), Some("2025-09-02T00:01:00"));
    }
}
