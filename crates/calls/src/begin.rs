//! How an episode begins, or goes on where its state is already there.

use super::clock::{self, CLOCK, Moment};
use super::{Budget, Episode, Mode};
use procedures::policy::{Audit, Clock, Policy};
use records::catalogue::USERS;
use std::path::Path;
use std::sync::Arc;
use store::canonical::{Extent, StateHash};
use store::fixtures::Fixtures;
use store::image::Image;
use store::{ErrorCode, Fault, Predicate, Query, Row, Store, Tally, Value, parse_id, schema_tag};

/// How an episode is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What happens to a call that a rule would halt.
    pub mode: Mode,
    /// Who writes audit entries; the policy's way where none is given.
    pub audit: Option<Audit>,
    /// The session's user, by id or e-mail address.
    pub actor: Option<String>,
    /// Its clock, in place of the policy's, or of the one that its state has.
    pub clock: Option<Clock>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { mode: Mode::Enforce, audit: None, actor: None, clock: None }
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
            tx.set(CLOCK, &clock::written(settings.clock.as_ref().unwrap_or(&policy.clock)))?;
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
            // A state of before has the policy's clock, and says nothing of it.
            if let (Some(found), Some(asked)) = (tx.setting(CLOCK)?, settings.clock.as_ref().map(clock::written))
                && found != asked
            {
                return Err(StartError::OtherState { name: CLOCK, found, asked });
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
        let (mut tally, mut moment, mut kept) = (Tally::default(), Moment::default(), None);
        if begun {
            let tx = store.transaction()?;
            (tally, moment) = (tx.tally()?, Moment::of(&tx)?);
            kept = tx.setting(CLOCK)?.and_then(|text| clock::read(&text));
        }
        let clock = settings.clock.clone().or(kept).unwrap_or_else(|| policy.clock.clone());
        let mode = settings.mode;
        Ok(Episode { policy, store, mode, audit, actor, budget: Budget::NONE, tally, clock, moment })
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
