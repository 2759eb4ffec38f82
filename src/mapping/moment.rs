//! Times as foreign environments take them: ISO 8601 with a day alone, without seconds, or with a zone.

use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};

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
        let text = text.trim();
        match text.parse::<Timestamp>() {
            Ok(instant) => Some(Moment { at: instant.to_zoned(TimeZone::UTC).datetime(), zoned: true }),
            Err(_) => Some(Moment { at: text.parse().ok()?, zoned: false }),
        }
    }

    /// As it is stored.
    pub fn stored(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%S%.f").to_string()
    }

    /// The least text that a time from this one on has, whether it is stored as a day, in whole seconds or finer.
    pub fn least(&self) -> String {
        let midnight = self.at.time() == Time::midnight();
        self.at.strftime(if midnight { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S%.f" }).to_string()
    }

    /// The greatest text that a time up to this one has.
    pub fn greatest(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
    }
}

/// Whether the text is a day and nothing else.
pub(super) fn is_day(text: &str) -> bool {
    let text = text.trim();
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
            (" 2025-06-08 04:45:10.5 ", "2025-06-08T04:45:10.5", false),
            ("2025-06-08T04:45:00Z", "2025-06-08T04:45:00", true),
            ("2025-06-08T04:45:00+02:00", "2025-06-08T02:45:00", true),
        ];
        for (text, stored, zoned) in cases {
            let moment = Moment::read(text).unwrap();
            assert_eq!((moment.stored().as_str(), moment.zoned), (stored, zoned), "{text}");
        }
        assert!(Moment::read("soon").is_none());
    }

    #[test]
    fn bounds_take_in_every_way_to_store_their_own_time() {
        let moment = |text| Moment::read(text).unwrap();
        for (text, ways) in [
            ("2025-06-08", &["2025-06-08", "2025-06-08T00:00:00", "2025-06-08T00:00:00.000000"][..]),
            ("2025-06-08T04:45", &["2025-06-08T04:45:00", "2025-06-08T04:45:00.000000"]),
            ("2025-06-08T04:45:00.5", &["2025-06-08T04:45:00.5", "2025-06-08T04:45:00.500000"]),
        ] {
            for stored in ways {
                assert!(moment(text).least().as_str() <= *stored, "{text} {stored}");
                assert!(*stored <= moment(text).greatest().as_str(), "{text} {stored}");
            }
        }
    }
}
