//! Times as foreign environments take them: ISO 8601 with a day alone, without seconds, or with a zone. What is stored of them
//! is the canonical form of [`records::time`].

use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, tz::Offset};
use records::catalogue::Kind;
use records::time;

/// A time that a call gives.
pub(super) struct Moment {
    /// The time, in UTC where it has a zone.
    at: DateTime,
    /// Whether it has a zone.
    pub zoned: bool,
}

impl Moment {
    /// Read a time.
    pub fn read(text: &str) -> Option<Moment> {
        // The library takes a leap second for the second before it, and overlooks the name of a zone.
        if is_leap(text) || text.contains('[') {
            return None;
        }
        let moment = match text.parse::<Timestamp>() {
            Ok(instant) => Moment { at: Offset::UTC.to_datetime(instant), zoned: true },
            Err(_) => Moment { at: text.parse().ok()?, zoned: false },
        };
        // Years that the procedures do not know either.
        time::parse(&moment.stored()).map(|_| moment)
    }

    /// As it is stored.
    pub fn stored(&self) -> String {
        time::written(self.at)
    }

    /// As a bound of a column. A column of days knows midnights only, which a day stands for.
    pub fn bound(&self, kind: Kind) -> String {
        match kind {
            Kind::Date if self.at.time() == Time::midnight() => self.at.date().to_string(),
            _ => self.stored(),
        }
    }
}

/// Whether the text names a second 60.
fn is_leap(text: &str) -> bool {
    let Some(at) = text.find(['T', 't', ' ']) else { return false };
    let clock = text[at + 1..].chars().filter(|c| *c != ':');
    let clock: String = clock.take_while(char::is_ascii_digit).collect();
    clock.len() == "HHMMSS".len() && clock.ends_with("60")
}

/// Whether the text is a day and nothing else.
pub(super) fn is_day(text: &str) -> bool {
    text.len() == "YYYY-MM-DD".len() && Moment::read(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_other_environments_write() {
        let cases = [
            ("2025-06-08", "2025-06-08T00:00:00", false),
            ("2025-06-08T04:45", "2025-06-08T04:45:00", false),
            ("2025-06-08 04:45:10.500", "2025-06-08T04:45:10.5", false),
            ("20250608T044510", "2025-06-08T04:45:10", false),
            ("2025-06-08T04:45:10.000", "2025-06-08T04:45:10", false),
            ("2025-06-08T04:45:00Z", "2025-06-08T04:45:00", true),
            ("2025-06-08T04:45:00+02:00", "2025-06-08T02:45:00", true),
            ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00", true),
            ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999999999", false),
        ];
        for (text, stored, zoned) in cases {
            let moment = Moment::read(text).unwrap();
            assert_eq!((moment.stored().as_str(), moment.zoned), (stored, zoned), "{text}");
        }
        for text in [
            "soon",
            " 2025-06-08",
            "2025-06-08 ",
            "2025-02-29",
            "2025-06-08T24:00:00",
            "2025-12-31T23:59:60",
            "20251231T235960",
            "2025-12-31 23:59:60Z",
            "0000-01-01",
            "-000001-01-01",
            "0001-01-01T00:00:00+01:00",
            "2025-06-08T04:45:00[Europe/Paris]",
            "2025-06-08T04:45:00+02:00[Europe/Paris]",
        ] {
            assert!(Moment::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_bound_of_days_takes_in_the_days_of_its_range() {
        let bound = |text, kind| Moment::read(text).unwrap().bound(kind);
        assert_eq!(bound("2025-06-08", Kind::Timestamp), "2025-06-08T00:00:00");
        for (lower, first) in [("2025-06-08", "2025-06-08"), ("2025-06-08T00:00:01", "2025-06-09")] {
            let bound = bound(lower, Kind::Date);
            assert!(bound.as_str() <= first && bound.as_str() > "2025-06-07", "{lower}");
            assert_eq!(bound.as_str() <= "2025-06-08", first == "2025-06-08", "{lower}");
        }
        for upper in ["2025-06-08", "2025-06-08T23:00:00"] {
            let bound = bound(upper, Kind::Date);
            assert!("2025-06-08" <= bound.as_str() && bound.as_str() < "2025-06-09", "{upper}");
        }
    }
}
