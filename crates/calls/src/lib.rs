//! Episodes: one isolated state each, with a policy, a seeded store, an acting user and a journal.
#![deny(missing_docs)]

mod association;
mod budget;
mod call;
mod find;
mod foreign;
mod judge;
mod recorded;

pub use budget::{ANSWER, Budget};
pub use foreign::{Cell, Foreign};
pub use recorded::{PROGRAM, RecordError};

use procedures::policy::{Audit, Policy};
use records::catalogue::{Table, USERS};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use store::canonical::{Extent, StateHash};
use store::difference::{Difference, difference};
use store::fixtures::Fixtures;
use store::image::{Image, Sheet};
use store::{Entry, ErrorCode, Fault, Obligation, Predicate, Query, Row, Store, Tally, Value, parse_id, schema_tag};

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

/// How an episode is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What happens to a call that a rule would halt.
    pub mode: Mode,
    /// Who writes audit entries; the policy's way where none is given.
    pub audit: Option<Audit>,
    /// The session's user, by id or e-mail address.
    pub actor: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { mode: Mode::Enforce, audit: None, actor: None }
    }
}

/// Why an episode could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// The session's user does not exist.
    #[error("there is no user with the id or e-mail address {0:?}; see find_users, or leave --actor out")]
    NoSuchUser(String),
    /// The state file was begun with something else.
    #[error(
        "the state file was begun with {name} {found}, and now {name} {asked} is asked for; use another --state file, or ask for the same again"
    )]
    OtherState {
        /// Which setting.
        name: &'static str,
        /// What the file says.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// Agents are to write audit entries and have no tool for it.
    #[error("audit explicit needs a tool that writes audit entries, and policy {0} has none; use automatic or none")]
    NoAuditTool(String),
    /// Another process has the state file open.
    #[error("{0} is in use by another process; end that one first, or use another --state file")]
    InUse(String),
    /// The file is no state file.
    #[error("{0} is not a state file of incident-mcp")]
    NotAState(String),
    /// The file is not what was written.
    #[error("the state file {0} is damaged and is not served: {1}")]
    Damaged(String, String),
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The structured answer; a halt where `is_error`.
    pub answer: Map<String, Json>,
    /// The same as JSON text.
    pub text: String,
    /// Whether the answer is a halt or a fault.
    pub is_error: bool,
    /// The rule that halted it.
    pub rule: Option<String>,
    /// What its rules looked at before they let it through, or did not; nothing in mode `off`.
    pub consulted: Vec<Consulted>,
    /// Its number in the episode's journal.
    pub number: i64,
    /// Whether this is the answer of an earlier call under the same key. Then nothing was written.
    pub repeated: bool,
}

/// A record, or a table, that a rule looked at when a call was judged: what its caller should have read before.
#[derive(Clone, Debug, PartialEq)]
pub struct Consulted {
    /// The table.
    pub table: &'static Table,
    /// The record's id; none where the rule searched the table.
    pub key: Option<i64>,
    /// The first rule that looked there.
    pub rule: String,
    /// The clause that it enforces.
    pub clause: String,
}

/// Why a call could not be one. Nothing was run, and nothing is journaled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The policy does not have such a tool.
    #[error("there is no tool {name:?}{hint}")]
    UnknownTool {
        /// The name that was called, shortened.
        name: String,
        /// The name that was probably meant, as a question.
        hint: String,
    },
    /// The idempotency key belongs to another call.
    #[error(
        "the idempotency key {key:?} was used for another call, of {tool}; repeat that call as it was, or choose a new key"
    )]
    KeyTaken {
        /// The key, shortened.
        key: String,
        /// The tool of the first call.
        tool: String,
    },
}

/// What happened in an episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many calls were made.
    pub calls: usize,
    /// How many of them each rule halted.
    pub halts: BTreeMap<String, usize>,
    /// Duties that no call has paid.
    pub unpaid: Vec<Obligation>,
    /// The hash of the state.
    pub hash: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let halted: usize = self.halts.values().sum();
        write!(f, "{} calls, {halted} halted", self.calls)?;
        for (at, (rule, count)) in self.halts.iter().enumerate() {
            write!(f, "{}{rule} {count}", if at == 0 { " (" } else { ", " })?;
        }
        let end = if self.halts.is_empty() { "" } else { ")" };
        write!(f, "{end}, {} audit entries unpaid, state {}", self.unpaid.len(), self.hash)
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
}

impl Episode {
    /// An episode in memory that starts from an image.
    pub fn on_image(policy: Arc<Policy>, image: &Arc<Image>, settings: &Settings) -> Result<Episode, StartError> {
        Episode::begin(policy, image.store(), settings)
    }

    /// Go on with an episode whose state is already there.
    pub fn resume(policy: Arc<Policy>, store: Store, settings: &Settings) -> Result<Episode, StartError> {
        Episode::begin(policy, store, settings)
    }

    /// The episode in that file, begun there if the file is new, else resumed.
    pub fn in_file(
        policy: Arc<Policy>,
        fixtures: &Fixtures,
        settings: &Settings,
        path: &Path,
    ) -> Result<Episode, StartError> {
        let not_a_state = |error: Fault| {
            let name = path.display().to_string();
            match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StartError::InUse(name),
                Some(ErrorCode::DatabaseCorrupt) => StartError::Damaged(name, error.to_string()),
                _ => StartError::NotAState(name),
            }
        };
        let (mut store, _) = Store::in_file(path).map_err(not_a_state)?;
        let begun = store.transaction()?.setting("policy").map_err(not_a_state)?;
        let audit = settings.audit.unwrap_or(policy.audit).name();
        let schema = schema_tag();
        let wanted = [
            ("schema", schema.as_str()),
            ("policy", policy.id.as_str()),
            ("policy fingerprint", policy.fingerprint.as_str()),
            ("mode", settings.mode.name()),
            ("audit", audit),
        ];
        if begun.is_none() {
            // Rows and settings together: after a crash the file is begun or it is not.
            let tx = store.transaction()?;
            fixtures.write(&tx)?;
            // What a recording of the episode begins with, in whatever session it is made.
            tx.set("fixtures", &StateHash::of(&tx, Extent::Result)?.state)?;
            for (name, value) in wanted {
                tx.set(name, value)?;
            }
            tx.commit()?;
        } else {
            let tx = store.transaction()?;
            for (name, asked) in wanted {
                let found = tx.setting(name)?.unwrap_or_default();
                if found != asked {
                    let asked = asked.to_owned();
                    return Err(StartError::OtherState { name, found, asked });
                }
            }
        }
        Episode::begin(policy, store, settings)
    }

    fn begin(policy: Arc<Policy>, mut store: Store, settings: &Settings) -> Result<Episode, StartError> {
        let actor = match &settings.actor {
            None => None,
            Some(who) => Some(user(&mut store, who)?.ok_or(StartError::NoSuchUser(who.clone()))?.key()),
        };
        let audit = settings.audit.unwrap_or(policy.audit);
        if audit == Audit::Explicit && policy.audit_tool().is_none() {
            return Err(StartError::NoAuditTool(policy.id.clone()));
        }
        let begun = store.sheet().is_none_or(|sheet| sheet.bytes() > 0);
        let tally = if begun { store.transaction()?.tally()? } else { Tally::default() };
        Ok(Episode { policy, store, mode: settings.mode, audit, actor, budget: Budget::NONE, tally })
    }

    /// A new episode from this one's present state, journal included; none where the state is in a file of its own.
    pub fn fork(&self) -> Option<Episode> {
        let Episode { policy, store, mode, audit, actor, budget, tally } = self;
        let (policy, store, tally) = (policy.clone(), store.fork()?, tally.clone());
        Some(Episode { policy, store, mode: *mode, audit: *audit, actor: *actor, budget: *budget, tally })
    }

    /// Go back to the state of another episode of the same image, a checkpoint say, journal included.
    pub fn restore(&mut self, earlier: &Episode) -> bool {
        let Some(store) = earlier.store.fork() else { return false };
        (self.store, self.tally) = (store, earlier.tally.clone());
        true
    }

    /// Go back to the image. False where the state is in a file of its own.
    pub fn reset(&mut self) -> bool {
        let image = self.store.sheet().map(|sheet| sheet.image().clone());
        let Some(image) = image else { return false };
        (self.store, self.tally) = (image.store(), Tally::default());
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
        self.store.journal()
    }
    /// Its calls after that number, at most so many, and until they are that long; and the duties that they left.
    pub fn journal_page(
        &mut self,
        after: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<(Vec<Entry>, Vec<Obligation>), Fault> {
        let tx = self.store.transaction()?;
        let calls = tx.journal_page(after, limit, bytes)?;
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
        Ok(Summary { calls: self.tally.calls, halts: self.tally.halts.clone(), unpaid, hash })
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

/// The user with that id or e-mail address.
fn user(store: &mut Store, who: &str) -> Result<Option<Row>, Fault> {
    let tx = store.transaction()?;
    if let Some(id) = parse_id(who) {
        return tx.get(&USERS, id);
    }
    let Some(email) = USERS.column("email") else { return Ok(None) };
    let query = Query {
        table: &USERS,
        predicates: vec![Predicate::Equal(email, Value::from(who))],
        page: store::Page { after: 0, limit: 1 },
    };
    Ok(tx.find(&query)?.into_iter().next())
}
