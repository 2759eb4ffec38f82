//! A journal as the control plane shows it.

use super::Obligation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which calls of a journal to read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Calls {
    /// Begin after the call of this number; the `next` of the page before.
    #[serde(default)]
    #[param(minimum = 0)]
    pub after: i64,
    /// How many, from 1 to 1000; 1000 where it is not said. A page of some MiB ends before that.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// Calls of an episode, and the duties that they left.
#[derive(Serialize, ToSchema)]
pub struct Journal {
    /// The calls, in order.
    #[schema(value_type = Vec<Call>)]
    pub calls: Vec<store::Entry>,
    /// The duties, in the order in which they arose, paid or not.
    #[schema(value_type = Vec<Obligation>)]
    pub obligations: Vec<store::Obligation>,
    /// The moves of the clock, in order; absent where it stood still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Move>)]
    pub advances: Vec<store::Mark>,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A move of the clock, as it stands in a journal.
#[derive(ToSchema)]
pub struct Move {
    /// How many calls were made before it.
    pub after: i64,
    /// The duration.
    pub by: String,
    /// What time it is since.
    pub now: String,
    /// The edition of the policy that the episode runs under since.
    pub edition: String,
}

/// One call, as it went.
#[derive(ToSchema)]
pub struct Call {
    /// Its number, from 1 without gaps.
    pub call: i64,
    /// The tool's name.
    pub tool: String,
    /// The acting user's id, where there was one.
    #[schema(required)]
    pub actor: Option<String>,
    /// The arguments as they were given.
    pub arguments: Map<String, Json>,
    /// The structured answer.
    pub answer: Map<String, Json>,
    /// `ok`, the halt's code, or `FAULT`.
    pub outcome: String,
    /// The rule that halted it.
    #[schema(required)]
    pub rule: Option<String>,
    /// In observe mode, what would have halted it.
    pub violations: Vec<Json>,
    /// The rows that it wrote.
    pub changes: Vec<Json>,
    /// What time it was.
    pub now: String,
    /// The edition of the policy that judged it: a hash over all its files.
    pub edition: String,
}

/// Where to cut an episode in two.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Cut {
    /// The first call that is not in the records yet; 1 where it is not said, so that they are those that the episode began with.
    #[param(minimum = 1)]
    pub from: Option<i64>,
}

/// An episode cut in two.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// The first call of the trace.
    pub from: i64,
    /// The hash that the fixtures load to.
    pub before: String,
    /// The hash of the present state, in which the calls end.
    pub hash: String,
    /// The rows of each table that has any.
    #[schema(value_type = BTreeMap<String, Vec<Map<String, Json>>>)]
    pub fixtures: BTreeMap<&'static str, Vec<Map<String, Json>>>,
    /// The calls as a trace in the program's own format.
    pub trace: String,
}
