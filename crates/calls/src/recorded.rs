//! What an episode did, as a trace.

use super::Episode;
use store::canonical::Extent;
use store::{Entry, Fault};
use traces::{Answer, Call, Settings, Trace, Verdict};

/// The name and version of this program, which answered.
pub const PROGRAM: &str = concat!("incident-mcp ", env!("CARGO_PKG_VERSION"));

/// Why there is no trace of an episode.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// What the store holds of a call is not JSON.
    #[error("data: {0}")]
    Data(#[from] serde_json::Error),
}

/// Something that stands in a journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A call.
    Call(Box<Call>),
    /// The clock was moved by that duration.
    Advance(String),
}

impl Episode {
    /// A trace of that name without calls: under what the episode runs, and in whose name.
    pub fn header(&mut self, name: &str) -> Result<Trace, RecordError> {
        let settings = Settings {
            policy: Some(self.policy.id.clone()),
            fingerprint: Some(self.policy.fingerprint.clone()),
            clock: Some(self.clock.start.clone()),
            clock_kind: (self.clock != self.policy.clock || self.clock.pace.moves())
                .then(|| self.clock.pace.name().to_owned()),
            fixtures: self.beginning()?,
            program: Some(PROGRAM.to_owned()),
            mode: Some(self.mode.name().to_owned()),
            audit: Some(self.audit.name().to_owned()),
            ..Settings::default()
        };
        let actor = self.actor.map(|id| id.to_string());
        Ok(Trace { name: name.to_owned(), settings, actor, ..Trace::default() })
    }

    /// The calls after that number, as they went.
    pub fn calls(&mut self, after: i64) -> Result<Vec<Call>, RecordError> {
        let tx = self.store.transaction()?;
        let mut entries = tx.journal(after)?;
        self.moment.date(&tx, &mut entries, &self.clock, &self.policy)?;
        drop(tx);
        // What the header says of all calls need not be said of each.
        let calls = entries.into_iter().map(|mut entry| {
            entry.now.take_if(|_| !self.clock.pace.moves());
            entry.edition.take_if(|edition| *edition == self.policy.fingerprint);
            call(entry)
        });
        Ok(calls.collect::<Result<_, _>>()?)
    }

    /// What happened after so many calls, of which the first `seen` advances are known already: calls and advances, in order.
    pub fn happened(&mut self, after: i64, seen: usize) -> Result<Vec<Happened>, RecordError> {
        let mut advances = self.advances(after)?.into_iter().skip(seen).peekable();
        let mut happened = Vec::new();
        for (number, call) in (after..).zip(self.calls(after)?) {
            while let Some(mark) = advances.next_if(|mark| mark.after <= number) {
                happened.push(Happened::Advance(mark.by.unwrap_or_default()));
            }
            happened.push(Happened::Call(Box::new(call)));
        }
        happened.extend(advances.map(|mark| Happened::Advance(mark.by.unwrap_or_default())));
        Ok(happened)
    }

    /// The hash of the fixtures; none in a state file that was begun by a program that did not note it.
    fn beginning(&mut self) -> Result<Option<String>, Fault> {
        match self.store.sheet().map(|sheet| sheet.image().clone()) {
            Some(image) => image.store().hash(Extent::Result).map(|hash| Some(hash.state)),
            None => self.store.transaction()?.setting("fixtures"),
        }
    }
}

fn call(entry: Entry) -> Result<Call, serde_json::Error> {
    let verdict = Verdict {
        outcome: entry.outcome,
        rule: entry.rule,
        violations: serde_json::from_str(&entry.violations)?,
        changes: serde_json::from_str(&entry.changes)?,
    };
    let answer = Answer { value: serde_json::from_str(&entry.answer)?, is_error: Some(verdict.is_error()) };
    Ok(Call {
        id: entry.call.to_string(),
        tool: entry.tool,
        arguments: serde_json::from_str(&entry.arguments)?,
        malformed: None,
        answer: Some(answer),
        key: entry.key,
        actor: entry.actor,
        verdict: Some(verdict),
        now: entry.now,
        edition: entry.edition,
    })
}
