//! What time it is in an episode: what its clock began with, and how far it was moved since.
//!
//! The time is a row of the state, so that forks, checkpoints, resets and files carry it; it is no part of the hash. Each time
//! that the clock is moved stands in the journal, between the calls.

use super::Episode;
use procedures::halt::Kind;
use procedures::policy::{Clock, Pace, Policy};
use records::time::{self, Unmoved};
use serde_json::{Map, Value as Json};
use store::fixtures::brief_text;
use store::{Entry, Fault, Mark, Transaction};

/// The setting of a state file that holds the clock that its episode began with.
pub(super) const CLOCK: &str = "clock";

/// The field of an answer that tells the time, where the clock moves.
pub(super) const NOW: &str = "now";

/// Most times that the clock of one episode can be moved: each is kept, and journals have a line of each.
pub const ADVANCES: usize = 10_000;

/// Why a clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum StuckError {
    /// The episode's clock stands still.
    #[error("the episode's clock stands still: only one that is stepped can be moved")]
    Fixed,
    /// What was given is no duration.
    #[error("{0:?} is not a duration as ISO 8601 writes it, such as PT2H or P1DT30M")]
    NoDuration(String),
    /// It takes no time, or leads back.
    #[error("{0:?} does not lead forward, and a clock goes no other way")]
    NotForward(String),
    /// It leads too far.
    #[error("{0:?} leads beyond the year 9999")]
    Beyond(String),
    /// It was moved too often.
    #[error("the clock was moved {ADVANCES} times, which is the most")]
    TooOften,
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
}

impl StuckError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            StuckError::Fixed => Kind::Conflict,
            StuckError::NoDuration(_) | StuckError::NotForward(_) | StuckError::Beyond(_) => Kind::Input,
            StuckError::TooOften => Kind::Limit,
            StuckError::Store(_) => Kind::Fault,
        }
    }
}

/// How far an episode has come: the last mark in its journal, and how many of them moved the clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    last: Option<Mark>,
    advances: usize,
    /// The edition of the policy that it began under, where that is known to be another than the present one.
    edition: Option<String>,
}

impl Moment {
    /// How far a state has come that is already there.
    pub fn of(tx: &Transaction<'_>) -> Result<Moment, Fault> {
        let marks = tx.marks(0)?;
        let advances = marks.iter().filter(|mark| mark.by.is_some()).count();
        Ok(Moment { last: marks.into_iter().next_back(), advances, edition: tx.setting("policy fingerprint")? })
    }

    /// Say of calls when they were made, and under which edition.
    pub fn date(&self, tx: &Transaction<'_>, calls: &mut [Entry], clock: &Clock, policy: &Policy) -> Result<(), Fault> {
        let edition = self.edition.as_deref().unwrap_or(&policy.fingerprint);
        if self.last.is_none() {
            // There are no marks to look for, as in most episodes: this is done for each call that is recorded.
            for entry in calls {
                (entry.now, entry.edition) = (Some(clock.start.clone()), Some(edition.to_owned()));
            }
            return Ok(());
        }
        tx.dated(calls, Some(&clock.start), Some(edition))
    }

    /// The mark that is owed before the next entry of the journal, since another edition of the policy judges it than the last.
    pub fn due(&self, after: i64, now: &str, policy: &Policy) -> Option<Mark> {
        let last = self.last.as_ref().map(|mark| &mark.edition).or(self.edition.as_ref());
        let edition = &policy.fingerprint;
        let is_other = last.is_some_and(|last| last != edition);
        is_other.then(|| Mark { after, now: now.to_owned(), edition: edition.clone(), by: None })
    }

    /// A mark was written.
    pub fn note(&mut self, mark: Option<Mark>) {
        if let Some(mark) = mark {
            self.advances += usize::from(mark.by.is_some());
            self.last = Some(mark);
        }
    }
}

impl Episode {
    /// The clock as the episode began with it.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What time it is.
    pub fn now(&self) -> &str {
        match (self.clock.pace, &self.moment.last) {
            (Pace::Stepped, Some(mark)) => &mark.now,
            (Pace::Fixed | Pace::Stepped, _) => &self.clock.start,
        }
    }

    /// Move the clock by a duration of ISO 8601; gives the time that it is then. Whoever runs the episode does it, never an agent.
    pub fn advance(&mut self, by: &str) -> Result<String, StuckError> {
        if !self.clock.pace.moves() {
            return Err(StuckError::Fixed);
        }
        if self.moment.advances >= ADVANCES {
            return Err(StuckError::TooOften);
        }
        let (now, by) = time::moved(self.now(), by).map_err(|why| {
            let by = brief_text(by);
            match why {
                Unmoved::NoDuration => StuckError::NoDuration(by),
                Unmoved::NotForward => StuckError::NotForward(by),
                Unmoved::Beyond => StuckError::Beyond(by),
            }
        })?;
        let edition = self.policy.fingerprint.clone();
        let tx = self.store.transaction()?;
        let mark = Mark { after: tx.next_call()? - 1, now: now.clone(), edition, by: Some(by) };
        tx.mark(&mark)?;
        tx.commit()?;
        self.moment.note(Some(mark));
        Ok(now)
    }

    /// Each time that the clock was moved after so many calls or later, in order.
    pub fn advances(&mut self, after: i64) -> Result<Vec<Mark>, Fault> {
        if self.moment.advances == 0 {
            return Ok(Vec::new());
        }
        let marks = self.store.transaction()?.marks(after)?;
        Ok(marks.into_iter().filter(|mark| mark.by.is_some()).collect())
    }

    /// The answer with the time, where the clock moves.
    pub(super) fn timed(clock: &Clock, mut answer: Map<String, Json>, now: &str) -> Map<String, Json> {
        if clock.pace.moves() {
            answer.insert(NOW.to_owned(), now.into());
        }
        answer
    }
}

/// A clock as a state file keeps it.
pub(super) fn written(clock: &Clock) -> String {
    format!("{} {}", clock.start, clock.pace.name())
}

/// The clock that a state file keeps.
pub(super) fn read(text: &str) -> Option<Clock> {
    let (start, pace) = text.split_once(' ')?;
    Some(Clock { start: start.to_owned(), pace: Pace::named(pace)? })
}
