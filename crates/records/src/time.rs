//! Times as the procedures write them, and the one form in which they are stored and compared.
//!
//! Accepted is a day, `YYYY-MM-DD`, or a time, `YYYY-MM-DDTHH:MM:SS` with a fraction of up to nine digits and a `Z` if need
//! be. Years are 0001 to 9999, hours 00 to 23, seconds 00 to 59: midnight is no 24:00, and there are no leap seconds, for
//! either would be a second way to write another time.
//!
//! The canonical form of a time has no `Z`, no nought at the end of its fraction, and no fraction where that is nought; a day
//! is its midnight. It orders as text: what has a fraction begins with what has none, and digits order as in any decimal.

use jiff::civil::{Date, DateTime};

/// The shape of a time without its fraction; `9` is any digit.
const SHAPE: &[u8] = b"9999-99-99T99:99:99";
/// How long a day is.
const DAY: usize = "9999-99-99".len();
/// Most digits of a fraction: nanoseconds, the finest that is told apart.
const FINEST: usize = 9;
/// What follows a day in the canonical form of its last moment.
const LAST: &str = "T23:59:59.999999999";

/// Read a time, or a day as its midnight. A trailing `Z` is read as no zone: every stored time is UTC.
pub fn parse(text: &str) -> Option<DateTime> {
    let day: Date = text.get(..DAY).filter(|day| shaped(day)).and_then(|day| day.parse().ok())?;
    // There is no year 0 in the calendar that people write.
    if day.year() == 0 {
        return None;
    }
    if text.len() == DAY {
        return Some(day.at(0, 0, 0, 0));
    }
    let time = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = time.split_at_checked(SHAPE.len())?;
    let fine = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=FINEST).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
        });
    // The library reads second 60 as second 59.
    if !fine || !shaped(whole) || whole.ends_with(":60") {
        return None;
    }
    time.parse().ok()
}

/// Whether the text has the shape as far as it goes.
fn shaped(text: &str) -> bool {
    text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
        b'9' => byte.is_ascii_digit(),
        _ => byte == *shape,
    })
}

/// Whether the text is a time or a day.
pub fn is_time(text: &str) -> bool {
    parse(text).is_some()
}

/// A time in its canonical form; none where the text is no time.
pub fn canonical(text: &str) -> Option<String> {
    parse(text).map(written)
}

/// The day of a time in its canonical form; none where the text is no time.
pub fn day(text: &str) -> Option<String> {
    parse(text).map(|time| time.date().to_string())
}

/// The last moment that is meant by an upper bound: of a day its end, else the time itself.
pub fn last(text: &str) -> Option<String> {
    let time = canonical(text)?;
    Some(if text.len() == DAY { format!("{text}{LAST}") } else { time })
}

/// The canonical form of a time. The library writes a fraction as short as it can be.
pub fn written(time: DateTime) -> String {
    time.to_string()
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
    fn every_accepted_form_has_one_canonical_form() {
        for (text, one) in [
            ("2025-09-01", "2025-09-01T00:00:00"),
            ("2025-09-01T08:30:00", "2025-09-01T08:30:00"),
            ("2025-09-01T08:30:00Z", "2025-09-01T08:30:00"),
            ("2025-09-01T08:30:00.000Z", "2025-09-01T08:30:00"),
            ("2025-09-01T08:30:00.0", "2025-09-01T08:30:00"),
            ("2025-09-01T08:30:00.500", "2025-09-01T08:30:00.5"),
            ("2025-09-01T08:30:00.050Z", "2025-09-01T08:30:00.05"),
            ("2024-03-10T04:30:57.700267", "2024-03-10T04:30:57.700267"),
            ("2024-03-10T04:30:57.123456789Z", "2024-03-10T04:30:57.123456789"),
            ("2024-02-29", "2024-02-29T00:00:00"),
            ("2000-02-29T23:59:59", "2000-02-29T23:59:59"),
            ("0001-01-01", "0001-01-01T00:00:00"),
            ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999999999"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(one), "{text}");
            assert_eq!(canonical(one).as_deref(), Some(one));
            assert_eq!(day(text).as_deref(), Some(&one[..DAY]));
        }
    }

    #[test]
    fn no_other_form_is_a_time() {
        for text in [
            "",
            "yesterday",
            "2025-9-1",
            "2025-13-01",
            "2025-00-01",
            "2025-09-00",
            "2025-09-31",
            "2025-02-29",
            "1900-02-29",
            "0000-01-01",
            "0000-02-29T00:00:00",
            "10000-01-01",
            "10000-01-01T00:00:00",
            "-001-01-01",
            "+2025-09-01",
            "2025-W36-1",
            "2025-244",
            "20250901",
            "20250901T083000",
            "2025-09-01Z",
            "2025-09-01T",
            "2025-09-01T08",
            "2025-09-01T08:30",
            "2025-09-01T08:30Z",
            "2025-09-01T083000",
            "2025-09-01T083000.0",
            "2025-09-25T125959.0",
            "2025-09-01T08:3000.00",
            "2025-09-01 08:30:00",
            "2025-09-01t08:30:00",
            "2025-09-01T08:30:00z",
            "2025-09-01T08:30:00ZZ",
            "2025-09-01T08:30:00+02:00",
            "2025-09-01T08:30:00-00:00",
            "2025-09-01T08:30:00Z[UTC]",
            "2025-09-01T08:30:00.",
            "2025-09-01T08:30:00.Z",
            "2025-09-01T08:30:00,5",
            "2025-09-01T08:30:00.5.5",
            "2025-09-01T08:30:00.1234567890",
            "2025-09-01T08:30:00.5 ",
            " 2025-09-01",
            "2025-09-01\n",
            "2025-09-01T24:00:00",
            "2025-09-01T25:00:00",
            "2025-09-01T08:60:00",
            "2025-12-31T23:59:60",
            "2025-12-31T23:59:60.5Z",
            "2025-12-31T23:59:61",
            "２０２５-09-01",
            "2025–09–01",
            "2025-09-01T08:30:0é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_canonical_form_orders_as_text() {
        let times = [
            "2025-09-01",
            "2025-09-01T00:00:00.000000001",
            "2025-09-01T09:59:59.999999999",
            "2025-09-01T10:00:00",
            "2025-09-01T10:00:00.05",
            "2025-09-01T10:00:00.25",
            "2025-09-01T10:00:00.5",
            "2025-09-01T10:00:00.50001",
            "2025-09-01T10:00:01",
            "2025-09-01T23:59:59.999999999",
            "2025-09-02",
            "9999-12-31",
        ];
        for pair in times.windows(2) {
            assert!(parse(pair[0]) < parse(pair[1]), "{pair:?}");
            assert!(canonical(pair[0]) < canonical(pair[1]), "{pair:?}");
        }
        assert_eq!(last("2025-09-01"), canonical("2025-09-01T23:59:59.999999999"));
        assert_eq!(last("2025-09-01T10:00:00Z").as_deref(), Some("2025-09-01T10:00:00"));
    }

    #[test]
    fn counts_whole_minutes() {
        assert_eq!(minutes_between("2025-09-01T08:30:00", "2025-09-01T09:31:59"), Some(61));
        assert_eq!(minutes_between("2025-09-01T08:30:00", "2025-09-01T08:29:59"), Some(-1));
        assert_eq!(minutes_between("2025-09-01", "soon"), None);
        assert_eq!(add_minutes("2025-09-01", 1441).as_deref(), Some("2025-09-02T00:01:00"));
    }
}
