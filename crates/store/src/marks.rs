//! What stands between the calls of a journal: where the clock of the episode was moved, and where another edition of the policy
//! took over.
//!
//! A journal of an episode whose clock stands still, under one edition, has none. They are rows among the episode's settings, which
//! sort by where they stand, so that they are found without reading all.

use super::{Entry, Fault, Transaction};
use rusqlite::{OptionalExtension, Row as SqlRow};
use serde::{Deserialize, Serialize};

/// From here on it is that time, and that edition of the policy judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many calls were made before it.
    #[serde(skip_deserializing)]
    pub after: i64,
    /// What time it is since.
    pub now: String,
    /// The edition of the policy since.
    pub edition: String,
    /// The duration by which the clock was moved; none where only the edition is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What the names of marks begin with, among those of settings; the character after a space ends them.
const NAME: &str = "mark ";
/// Digits of a mark's place: those of any number of calls.
const DIGITS: usize = 19;
/// Digits of its number among those at one place.
const NUMBER: usize = 9;

/// The least name of a mark that stands there or later.
fn from(after: i64) -> String {
    format!("{NAME}{after:0DIGITS$}")
}

/// What is greater than the names of all marks.
const END: &str = "mark!";

impl Transaction<'_> {
    /// Note a mark, after those that stand where it does.
    pub fn mark(&self, mark: &Mark) -> Result<(), Fault> {
        let (first, next) = (from(mark.after), from(mark.after.saturating_add(1)));
        let before: i64 = self
            .db()?
            .prepare_cached("SELECT count(*) FROM episode WHERE name >= $1 AND name < $2")?
            .query_row([&first, &next], |row| row.get(0))?;
        let value = serde_json::to_string(mark).map_err(|error| Fault::ToSqlConversionFailure(error.into()))?;
        self.set(&format!("{first} {before:0NUMBER$}"), &value)
    }

    /// The marks at that number of calls and later, in order; all from 0.
    pub fn marks(&self, after: i64) -> Result<Vec<Mark>, Fault> {
        self.db()?
            .prepare_cached("SELECT name, value FROM episode WHERE name >= $1 AND name < $2 ORDER BY name")?
            .query_map([&from(after), END], mark)?
            .collect()
    }

    /// The last mark before that number of calls.
    fn mark_before(&self, after: i64) -> Result<Option<Mark>, Fault> {
        self.db()?
            .prepare_cached(
                "SELECT name, value FROM episode WHERE name >= $1 AND name < $2 ORDER BY name DESC LIMIT 1",
            )?
            .query_row([NAME, &from(after)], mark)
            .optional()
    }

    /// Say of calls that follow each other when they were made and under which edition, where marks say it; of others what
    /// held when the journal began.
    pub fn dated(&self, calls: &mut [Entry], now: Option<&str>, edition: Option<&str>) -> Result<(), Fault> {
        let Some(first) = calls.first() else { return Ok(()) };
        // A mark that stands after as many calls as come before the first is in force for it.
        let mut present = self.mark_before(first.call)?;
        let mut later = self.marks(first.call)?.into_iter().peekable();
        for entry in calls {
            while let Some(mark) = later.next_if(|mark| mark.after < entry.call) {
                present = Some(mark);
            }
            entry.now = present.as_ref().map(|mark| mark.now.as_str()).or(now).map(str::to_owned);
            entry.edition = present.as_ref().map(|mark| mark.edition.as_str()).or(edition).map(str::to_owned);
        }
        Ok(())
    }
}

fn mark(row: &SqlRow<'_>) -> Result<Mark, Fault> {
    let (name, value): (String, String) = (row.get(0)?, row.get(1)?);
    let mark: Mark = serde_json::from_str(&value).map_err(|error| Fault::ToSqlConversionFailure(error.into()))?;
    let after = name.get(NAME.len()..NAME.len() + DIGITS).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    Ok(Mark { after, ..mark })
}
