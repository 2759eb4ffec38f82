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

impl Episode {
    /// A trace of that name without calls: under what the episode runs, and in whose name.
    pub fn header(&mut self, name: &str) -> Result<Trace, RecordError> {
        let settings = Settings {
            policy: Some(self.policy.id.clone()),
            fingerprint: Some(self.policy.fingerprint.clone()),
            clock: Some(self.policy.clock.clone()),
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
        let entries = self.store.transaction()?.journal(after)?;
        Ok(entries.into_iter().map(call).collect::<Result<_, _>>()?)
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
    })
}
