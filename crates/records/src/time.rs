//! Times as the procedures write them, and the one form in which they are stored and compared.
//!
//! Accepted is a day, `YYYY-MM-DD`, or a time, `YYYY-MM-DDTHH:MM:SS` with a fraction of up to nine digits and a `Z` if need
//! be. Years are 0001 to 9999, hours 00 to 23, seconds 00 to 59: midnight is no 24:00, and there are no leap seconds, for
//! either would be a second way to write another time.
//!
//! The canonical form of a time has no `Z`, no nought at the end of its fraction, and no fraction where that is nought; a day
//! is its midnight. It orders as text: what has a fraction begins with what has none, and digits order as in any decimal.

use jiff::Span;
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

/// Why a clock cannot be moved by something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmoved {
    /// It is no duration as ISO 8601 writes them.
    NoDuration,
    /// It takes no time, or leads back.
    NotForward,
    /// It leads beyond the year 9999, or is longer than any time there is.
    Beyond,
}

/// The time that a duration such as `PT2H` or `P1DT30M` leads to, and the duration in one form. Months and years are those of the
/// calendar.
pub fn moved(time: &str, by: &str) -> Result<(String, String), Unmoved> {
    /// The longest text that is read: each unit of time with all of its digits.
    const LONGEST: usize = 100;
    let designator = |c: char| c.is_ascii_digit() || "PYMWDTHS.".contains(c);
    // The library reads other notations too, each of which would be a second way to write the same.
    if !by.starts_with('P') || by.len() > LONGEST || !by.chars().all(designator) {
        return Err(match by.strip_prefix('-').is_some_and(|rest| rest.starts_with('P')) {
            true => Unmoved::NotForward,
            false => Unmoved::NoDuration,
        });
    }
    // With other numbers it would be one.
    let is_shaped = || {
        let mut shape: Vec<char> = by.chars().map(|c| if c.is_ascii_digit() { '1' } else { c }).collect();
        shape.dedup_by(|later, earlier| *later == '1' && *earlier == '1');
        shape.into_iter().collect::<String>().parse::<Span>().is_ok()
    };
    let span: Span = by.parse().map_err(|_| if is_shaped() { Unmoved::Beyond } else { Unmoved::NoDuration })?;
    if !span.is_positive() {
        return Err(Unmoved::NotForward);
    }
    let now = parse(time).ok_or(Unmoved::NoDuration)?;
    let later = now.checked_add(span).map_err(|_| Unmoved::Beyond)?;
    // A month of February added in January is some days; whatever it is, it is not none.
    if later > now { Ok((written(later), span.to_string())) } else { Err(Unmoved::NotForward) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_leads_forward_by_the_calendar() {
        for (time, by, later, one) in [
            ("2025-09-25T12:00:00", "PT2H", "2025-09-25T14:00:00", "PT2H"),
            ("2025-09-25T12:00:00", "P1DT30M", "2025-09-26T12:30:00", "P1DT30M"),
            ("2025-09-25T12:00:00", "PT90M", "2025-09-25T13:30:00", "PT90M"),
            ("2025-09-25T12:00:00", "PT0.5S", "2025-09-25T12:00:00.5", "PT0.5S"),
            ("2025-09-25", "P1W", "2025-10-02T00:00:00", "P1W"),
            ("2025-01-31T08:00:00", "P1M", "2025-02-28T08:00:00", "P1M"),
            ("2024-02-29T08:00:00", "P1Y", "2025-02-28T08:00:00", "P1Y"),
            ("9999-12-31T23:59:58", "PT1S", "9999-12-31T23:59:59", "PT1S"),
        ] {
            assert_eq!(moved(time, by), Ok((later.to_owned(), one.to_owned())), "{time} {by}");
        }
    }

    #[test]
    fn nothing_else_moves_a_clock() {
        let now = "2025-09-25T12:00:00";
        let texts = [
            "",
            "P",
            "PT",
            "2h",
            "2 hours",
            "pt2h",
            "PT2h",
            "PT2",
            "T2H",
            "P2H",
            "2025-09-26",
            "+PT2H",
            " PT2H",
            "PT2H ",
            "PT2H30",
            "PT-2H",
            "PT2H\n",
            "P1D T2H",
            "PT2H2H",
            "NaN",
            "PT²H",
            "PT1,5H",
            "P1S",
        ];
        for text in texts {
            assert_eq!(moved(now, text), Err(Unmoved::NoDuration), "{text:?}");
        }
        for text in ["PT0S", "P0D", "PT0H0M", "-PT2H", "-P1D"] {
            assert_eq!(moved(now, text), Err(Unmoved::NotForward), "{text:?}");
        }
        for text in ["P8000Y", "P9998Y", "P3000000D", "PT99999999999999999999H"] {
            assert_eq!(moved(now, text), Err(Unmoved::Beyond), "{text:?}");
        }
        assert_eq!(moved("9999-12-31T23:59:59", "PT1S"), Err(Unmoved::Beyond));
    }

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
