//! What is asked and answered, as the OpenAPI document shows it.
//!
//! Types of the layers below know nothing of OpenAPI. Where one of them goes over the wire, its form is described here.

mod journal;

pub use journal::{Call, Calls, Cut, Export, Journal, Move};

use crate::registry::{self, Live, Spec};
use procedures::policy::Pace;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use store::canonical::{self, StateHash};
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// What happens to a call that a rule would halt.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Mode {
    /// It halts.
    Enforce,
    /// It goes through, and the journal says what would have halted it.
    Observe,
    /// It goes through; only types and references are checked.
    Off,
}

/// Who writes audit entries.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Audit {
    /// The agent; the answer of a write says what it owes.
    Explicit,
    /// The server, in the same transaction.
    Automatic,
    /// Nobody has to.
    None,
}

/// Whether a clock moves.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ClockKind {
    /// It stands still.
    Fixed,
    /// `POST /episodes/{id}/advance` moves it, and nothing else.
    Stepped,
}

/// What a new episode is to be. What is left out is as the server was started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Its name: letters, digits, `-`, `_` and `.`, at most 128; a random one that cannot be guessed where none is given.
    id: Option<String>,
    /// The policy that it runs under.
    policy: Option<String>,
    /// The set of fixtures that it starts from, by name.
    fixtures: Option<String>,
    /// What happens to a call that a rule would halt.
    #[schema(value_type = Option<Mode>)]
    mode: Option<calls::Mode>,
    /// Who writes audit entries.
    #[schema(value_type = Option<Audit>)]
    audit: Option<procedures::policy::Audit>,
    /// The session's user, by id or e-mail address; without one each call names its own.
    actor: Option<String>,
    /// What time its clock begins with, such as `2025-09-25T12:00:00`; the policy's where it is not said.
    clock: Option<String>,
    /// Whether its clock moves; as the policy says where it is not said.
    #[schema(value_type = Option<ClockKind>)]
    clock_kind: Option<Pace>,
    /// List only the tools that this role may use; all of them where it is not said.
    as_role: Option<String>,
    /// Seconds without a call after which it ends; 0 for never.
    ttl_seconds: Option<u64>,
}

impl From<Create> for Spec {
    fn from(create: Create) -> Spec {
        let Create { id, policy, fixtures, mode, audit, actor, clock, clock_kind, as_role, ttl_seconds } = create;
        Spec { id, policy, fixtures, mode, audit, actor, clock, clock_kind, as_role, ttl_seconds }
    }
}

/// A live episode.
#[derive(Serialize, ToSchema)]
pub struct Episode {
    /// Its name.
    pub id: String,
    /// Where agents reach it over Streamable HTTP, on the public listener.
    pub mcp: String,
    /// The same as a full address, where the server knows its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_url: Option<String>,
    /// Where old clients reach it over HTTP+SSE, on the public listener.
    pub sse: String,
    /// The same as a full address, where the server knows its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sse_url: Option<String>,
    /// The policy that it runs under.
    pub policy: String,
    /// The edition of the policy: a hash over all its files.
    pub fingerprint: String,
    /// What time its clock begins with. One that stands still shows it all through.
    pub clock: String,
    /// Whether its clock moves; absent where it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClockKind>)]
    pub clock_kind: Option<Pace>,
    /// The set of fixtures that it started from.
    pub fixtures: String,
    /// What happens to a call that a rule would halt.
    #[schema(value_type = Mode)]
    pub mode: calls::Mode,
    /// Who writes audit entries.
    #[schema(value_type = Audit)]
    pub audit: procedures::policy::Audit,
    /// The session's user, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The role whose tools are listed; absent where all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_role: Option<String>,
    /// Seconds without a call after which it ends; 0 for never.
    pub ttl_seconds: u64,
    /// How many calls it had since this process began or resumed it; the summary counts all.
    pub calls: u64,
    /// Seconds since it was last called.
    pub idle_seconds: u64,
}

impl Episode {
    /// That episode; `public` is the base URL of the public listener.
    pub fn of(live: &Live, public: Option<&str>) -> Episode {
        let id = live.id().to_owned();
        let about = live.description().clone();
        let registry::Description { policy, fingerprint, clock, clock_kind, fixtures, .. } = about;
        let registry::Description { mode, audit, actor, as_role, ttl_seconds, .. } = about;
        let progress = live.progress();
        // A name needs no escapes in an address.
        let (mcp, sse) = (format!("/e/{id}/mcp"), format!("/e/{id}/sse"));
        let url = |path: &str| public.map(|base| format!("{}{path}", base.trim_end_matches('/')));
        Episode {
            mcp_url: url(&mcp),
            sse_url: url(&sse),
            id,
            mcp,
            sse,
            policy,
            fingerprint,
            clock,
            clock_kind: Some(clock_kind).filter(|kind| kind.moves()),
            fixtures,
            mode,
            audit,
            actor,
            as_role,
            ttl_seconds,
            calls: progress.calls,
            idle_seconds: progress.idle.as_secs(),
        }
    }
}

/// Which live episodes to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Begin after this name; the `next` of the page before.
    #[serde(default)]
    pub after: String,
    /// How many, from 1 to 1000; 100 where it is not said.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// Live episodes in the order of their names.
#[derive(Serialize, ToSchema)]
pub struct Page {
    /// The episodes.
    pub episodes: Vec<Episode>,
    /// How many are live in all.
    pub live: usize,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A live episode, and what has happened in it.
#[derive(Serialize, ToSchema)]
pub struct Detail {
    /// The episode.
    #[serde(flatten)]
    pub episode: Episode,
    /// What has happened.
    pub summary: Summary,
}

/// What happened in an episode.
#[derive(Serialize, ToSchema)]
pub struct Summary {
    /// How many calls its journal has.
    pub calls: usize,
    /// How many of them each rule halted.
    pub halts: BTreeMap<String, usize>,
    /// Duties that no call has paid.
    #[schema(value_type = Vec<Obligation>)]
    pub unpaid: Vec<store::Obligation>,
    /// The hash of its state, without records of diligence.
    pub hash: String,
    /// What time it is; absent where its clock stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

impl From<calls::Summary> for Summary {
    fn from(summary: calls::Summary) -> Summary {
        let calls::Summary { calls, halts, unpaid, hash, now } = summary;
        Summary { calls, halts, unpaid, hash, now }
    }
}

/// A duty that a write left to the agent: an audit entry.
#[derive(ToSchema)]
pub struct Obligation {
    /// The call that left it.
    pub call: i64,
    /// The audit entry's verb.
    pub action: String,
    /// The record's entity name.
    pub entity_type: String,
    /// The record's id.
    pub entity_id: String,
    /// The call that paid it.
    #[schema(required)]
    pub paid_by: Option<i64>,
}

/// A move of the clock to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// By how much: a duration of ISO 8601 that leads forward, such as `PT2H` or `P1DT30M`.
    pub by: String,
}

/// The time.
#[derive(Serialize, ToSchema)]
pub struct Moment {
    /// What time it is now in the episode.
    pub now: String,
}

/// What the copy is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// Its name; a random one where none is given.
    pub id: Option<String>,
    /// Seconds without a call after which it ends, 0 for never; as the first episode's where it is not said.
    pub ttl_seconds: Option<u64>,
}

/// A checkpoint to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// Its name, in place of an older one of that name; the next free number where none is given.
    pub name: Option<String>,
}

/// A checkpoint.
#[derive(Serialize, ToSchema)]
pub struct Checkpoint {
    /// Its name.
    pub name: String,
}

/// The checkpoints of an episode.
#[derive(Serialize, ToSchema)]
pub struct Checkpoints {
    /// In the order of their names.
    pub checkpoints: Vec<Checkpoint>,
}

/// Where to go back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The name of a checkpoint.
    pub checkpoint: String,
}

/// Which tables count.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Count the records of diligence too, such as audit entries.
    #[serde(default)]
    pub everything: bool,
}

/// What to compare.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Comparison {
    /// The earlier state: `image`, `episode:ID` or `checkpoint:NAME`; the image where it is not said.
    pub against: Option<String>,
    /// Count the records of diligence too, such as audit entries.
    #[serde(default)]
    pub everything: bool,
}

/// What differs between an earlier state and the present one.
#[derive(Serialize, ToSchema)]
pub struct Differences {
    /// The earlier state.
    pub against: String,
    /// Cell by cell, in the order of tables, keys and columns.
    #[schema(value_type = Vec<Difference>)]
    pub differences: Vec<store::difference::Difference>,
}

/// One cell that differs. A row that is on one side only differs in each of its cells.
#[derive(ToSchema)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The row's id.
    pub key: String,
    /// The column.
    pub column: String,
    /// Its value in the earlier state; null where it has none.
    pub before: Json,
    /// Its value in the present state; null where it has none.
    pub after: Json,
}

/// The hash of a state, whole and by table.
#[derive(Serialize, ToSchema)]
pub struct Hash {
    /// Names the form of the state that was hashed; hashes of two forms never compare equal.
    pub version: &'static str,
    /// The hash of the whole.
    pub state: String,
    /// The hash of each table that has rows.
    #[schema(value_type = BTreeMap<String, String>)]
    pub tables: BTreeMap<&'static str, String>,
}

impl From<StateHash> for Hash {
    fn from(hash: StateHash) -> Hash {
        Hash { version: canonical::VERSION, state: hash.state, tables: hash.tables }
    }
}

/// What every route may answer instead.
#[derive(IntoResponses)]
#[response(status = "default", description = "A refusal")]
pub struct Refused(pub Refusal);

/// Why not.
#[derive(ToSchema)]
pub struct Refusal {
    /// The reason.
    pub error: Reason,
}

/// The reason of a refusal.
#[derive(ToSchema)]
pub struct Reason {
    /// A stable code, for programs.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}
