//! One call that was made again: as it is reported, and what it did beside its answer.

use super::came::Came;
use super::compare::{Closeness, compare};
use super::model::{AnswerDifference, Broken, Comparison, Mapped, RowChange, Step};
use super::packed::{Kept, Packed};
use crate::mapping::Told;
use calls::Consulted;
use procedures::halt::built_in;
use procedures::policy::Policy;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use store::Entry;
use traces::Call;

/// What a call did beside its answer.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    /// The acting user's id.
    pub actor: Option<String>,
    /// What the rules of the call looked at.
    pub consulted: Vec<Consulted>,
    /// The table that it looked in.
    pub searched: Option<&'static str>,
    /// The rows that its answer shows: table and key.
    pub seen: Box<[(&'static str, i64)]>,
    /// In whose role it was not allowed: the user's role and the roles that may.
    pub role: Option<Box<(String, Vec<String>)>>,
    /// What it tells of an incident, where it makes an update record.
    pub told: Option<Box<Told>>,
}

/// A call that was made again, or could not be.
#[derive(Default)]
pub(super) struct Answer {
    pub answer: Json,
    /// What it came to.
    pub came: Came,
    pub mapped: Option<Mapped>,
    /// Its number in the journal.
    pub number: Option<i64>,
    pub consulted: Vec<Consulted>,
    pub searched: Option<&'static str>,
    pub seen: Vec<(&'static str, i64)>,
    pub told: Option<Told>,
}

/// A halt as the journal keeps it.
#[derive(Deserialize)]
struct Halted {
    #[serde(flatten)]
    broken: Broken,
    #[serde(default)]
    evidence: Map<String, Json>,
}

/// How calls are reported.
pub(super) struct How<'a> {
    /// The policy that judged them.
    pub policy: &'a Policy,
    /// How closely recorded answers must agree with ours.
    pub answers: Closeness,
}

impl How<'_> {
    /// A call as it is reported, and what it did beside its answer; `number` is its place in the trace.
    pub fn step(
        &self,
        number: usize,
        call: &Call,
        made: &mut Answer,
        entry: Option<&Entry>,
        kept: &mut Kept,
    ) -> Result<(Step, Deed), serde_json::Error> {
        let came = made.came;
        let outcome = match entry.filter(|_| came.is_journaled()) {
            Some(entry) => entry.outcome.clone(),
            None => came.name().to_owned(),
        };
        let halt: Option<Halted> = match entry {
            Some(entry) if entry.rule.is_some() => Some(serde_json::from_str(&entry.answer)?),
            _ => None,
        };
        let violations: Vec<Halted> = match entry {
            Some(entry) if entry.violations != "[]" => serde_json::from_str(&entry.violations)?,
            _ => Vec::new(),
        };
        let changes: Vec<RowChange> = match entry {
            Some(entry) if entry.changes != "[]" => serde_json::from_str(&entry.changes)?,
            _ => Vec::new(),
        };
        let role = halt.iter().chain(&violations).find_map(Halted::role);
        let recorded = call.answer.as_ref().map(|answer| &answer.value);
        let answer = kept.once(Packed::from(&made.answer));
        let packed = recorded.map(|value| kept.once(Packed::from(value)));
        let (comparison, difference) = match (recorded, &packed) {
            _ if self.answers == Closeness::Ignored => (Comparison::Ignored, None),
            (Some(_), Some(packed)) if *packed == answer => (Comparison::Exact, None),
            (Some(recorded), _) => compare(recorded, &made.answer),
            (None, _) => (Comparison::Unrecorded, None),
        };
        let step = Step {
            call: number,
            tool: call.tool.clone(),
            arguments: kept.once(Packed::from(&call.arguments)),
            mapped: made.mapped.take().map(Box::new),
            came,
            outcome,
            answer: answer.clone(),
            recorded: packed,
            comparison,
            difference: difference.map(|it| Box::new(AnswerDifference { replayed: it.replayed.within(&answer), ..it })),
            halt: halt.map(|halt| Box::new(self.known(halt.broken))),
            violations: violations.into_iter().map(|halt| self.known(halt.broken)).collect(),
            changes,
        };
        let deed = Deed {
            actor: entry.and_then(|entry| entry.actor.clone()),
            consulted: std::mem::take(&mut made.consulted),
            searched: made.searched,
            // A trace can have very many calls, so that what most of them lack takes no room, and nothing is kept to spare.
            seen: std::mem::take(&mut made.seen).into_boxed_slice(),
            role: role.map(Box::new),
            told: made.told.take().map(Box::new),
        };
        Ok((step, deed))
    }

    /// A rule that was broken, with what sort of refusal that is.
    fn known(&self, broken: Broken) -> Broken {
        Broken { kind: self.policy.kind_of(&broken.rule), ..broken }
    }
}

impl Halted {
    /// The role that may not, and those that may.
    fn role(&self) -> Option<(String, Vec<String>)> {
        let role = self.evidence.get("actor.role").filter(|_| self.broken.rule == built_in::ROLE)?;
        let roles = self.evidence.get("tool.roles").and_then(Json::as_array);
        let roles = roles.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
        Some((role.as_str().unwrap_or_default().to_owned(), roles.collect()))
    }
}
