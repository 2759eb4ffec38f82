//! Episodes: one isolated state each, with a policy, a seeded store, an acting user and a journal.
#![deny(missing_docs)]

mod association;
mod begin;
mod budget;
mod call;
mod clock;
mod export;
mod find;
mod foreign;
mod judge;
mod outcome;
mod recorded;
mod session;

pub use begin::{Settings, StartError};
pub use budget::{ANSWER, Budget};
pub use clock::StuckError;
pub use export::{Export, ExportError};
pub use foreign::{Cell, Foreign};
pub use outcome::{CallError, Consulted, Outcome, Summary};
pub use recorded::{Happened, PROGRAM, RecordError};
pub use session::{Caller, Principal, Scope, Session};

use clock::Moment;
use procedures::policy::{Audit, Clock, Policy};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::canonical::{Extent, StateHash};
use store::difference::{Difference, difference};
use store::image::Sheet;
use store::{Entry, Fault, Obligation, Store, Tally};

/// What happens to a call that a rule would halt. The tool list is the same in all modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It halts.
    Enforce,
    /// It goes through, and the journal says what would have halted it.
    Observe,
    /// It goes through; only types and references are checked.
    Off,
}

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 3] = [Mode::Enforce, Mode::Observe, Mode::Off];

    /// The mode of that name.
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Its name on the command line and in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Observe => "observe",
            Mode::Off => "off",
        }
    }
}

/// One isolated state.
pub struct Episode {
    policy: Arc<Policy>,
    store: Store,
    mode: Mode,
    audit: Audit,
    /// The session's user.
    actor: Option<i64>,
    budget: Budget,
    tally: Tally,
    /// The clock as it began.
    clock: Clock,
    /// How far it has come.
    moment: Moment,
}

impl Episode {
    /// A new episode from this one's present state, journal included; none where the state is in a file of its own.
    pub fn fork(&self) -> Option<Episode> {
        let Episode { policy, store, mode, audit, actor, budget, tally, clock, moment } = self;
        Some(Episode {
            policy: policy.clone(),
            store: store.fork()?,
            mode: *mode,
            audit: *audit,
            actor: *actor,
            budget: *budget,
            tally: tally.clone(),
            clock: clock.clone(),
            moment: moment.clone(),
        })
    }

    /// Go back to the state of another episode of the same image, a checkpoint say, journal included.
    pub fn restore(&mut self, earlier: &Episode) -> bool {
        let Some(store) = earlier.store.fork() else { return false };
        (self.store, self.tally, self.moment) = (store, earlier.tally.clone(), earlier.moment.clone());
        true
    }

    /// Go back to the image. False where the state is in a file of its own.
    pub fn reset(&mut self) -> bool {
        let image = self.store.sheet().map(|sheet| sheet.image().clone());
        let Some(image) = image else { return false };
        (self.store, self.tally) = (image.store(), Tally::default());
        self.moment = Moment::default();
        true
    }

    /// What differs between this state and a later one, cell by cell.
    pub fn difference(&mut self, later: &mut Episode, extent: Extent) -> Result<Vec<Difference>, Fault> {
        difference(&mut self.store, &mut later.store, extent)
    }

    /// Hold no more than that from now on.
    pub fn limit(&mut self, budget: Budget) {
        self.budget = budget;
    }
    /// What its journal comes to.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
    /// The policy that it runs under.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
    /// What happens to a call that a rule would halt.
    pub fn mode(&self) -> Mode {
        self.mode
    }
    /// Who writes its audit entries.
    pub fn audit(&self) -> Audit {
        self.audit
    }
    /// Its calls so far.
    pub fn journal(&mut self) -> Result<Vec<Entry>, Fault> {
        let tx = self.store.transaction()?;
        let mut calls = tx.journal(0)?;
        self.moment.date(&tx, &mut calls, &self.clock, &self.policy)?;
        Ok(calls)
    }
    /// Its calls after that number, at most so many, and until they are that long; and the duties that they left.
    pub fn journal_page(
        &mut self,
        after: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<(Vec<Entry>, Vec<Obligation>), Fault> {
        let tx = self.store.transaction()?;
        let mut calls = tx.journal_page(after, limit, bytes)?;
        self.moment.date(&tx, &mut calls, &self.clock, &self.policy)?;
        let last = calls.last().map_or(after, |entry| entry.call);
        let duties = tx.duties_of(after, last)?;
        Ok((calls, duties))
    }
    /// Its calls of those numbers.
    pub fn entries(&mut self, numbers: RangeInclusive<i64>) -> Result<Vec<Entry>, Fault> {
        self.store.entries(numbers)
    }
    /// The duties that its writes left, paid or not.
    pub fn obligations(&mut self) -> Result<Vec<Obligation>, Fault> {
        self.store.obligations()
    }
    /// What has happened so far.
    pub fn summary(&mut self) -> Result<Summary, Fault> {
        let unpaid = self.store.transaction()?.unpaid_duties()?;
        let hash = self.hash(Extent::Result)?.state;
        let now = self.clock.pace.moves().then(|| self.now().to_owned());
        Ok(Summary { calls: self.tally.calls, halts: self.tally.halts.clone(), unpaid, hash, now })
    }
    /// The hash of its state.
    pub fn hash(&mut self, extent: Extent) -> Result<StateHash, Fault> {
        self.store.hash(extent)
    }
    /// The image that it started from and what it changed; none where the state is in a file of its own.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.store.sheet()
    }
    /// Its store, for inspection by whoever runs the episode.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }
}
