//! Making the calls of a trace again, in an episode of their own.

use super::compare::{Closeness, compare};
use super::journal::entries;
use super::model::{AnswerDifference, Broken, Comparison, Duty, Mapped, Place, Remark, Replay, RowChange, Step};
use super::names::Names;
use super::packed::{Kept, Packed};
use super::remarks::remarks;
use super::skills::Known;
use crate::mapping::{Mapping, Standing, Told};
use calls::{CallError, Consulted, Episode, Mode, Outcome, Settings, StartError};
use procedures::halt::{INVALID_INPUT, OK};
use procedures::policy::{Audit, Policy, Work};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use store::canonical::Extent;
use store::image::Image;
use store::{Entry, Fault, parse_id};
use traces::{Call, Trace};

/// The outcome of a call that the environment of a mapping refuses by itself.
pub const REFUSED: &str = "REFUSED";
/// The outcome of a call that the policy does not speak of.
pub const OUTSIDE: &str = "OUTSIDE";
/// The outcome of a call of a tool that nobody knows.
pub const UNKNOWN_TOOL: &str = "UNKNOWN_TOOL";

/// How many calls are made before they are written down for the report: what is in hand until then takes ten times as much.
const BATCH: usize = 64;

/// Where traces are run: a policy, the records to begin with and, for foreign traces, a mapping.
pub struct Stage {
    policy: Arc<Policy>,
    image: Arc<Image>,
    mapping: Option<Arc<Mapping>>,
    /// The hash of the state to begin with.
    hash: String,
    /// The skills of its policy, made for the first trace whose agent had read one.
    known: OnceLock<Known>,
}

/// How a trace is run.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// What happens to a call that a rule would halt.
    pub mode: Mode,
    /// Who writes audit entries; the policy's way where none is given.
    pub audit: Option<Audit>,
    /// The acting user, by id or e-mail address, whatever the trace says.
    pub actor: Option<String>,
    /// The acting user of a trace that tells none.
    pub otherwise: Option<String>,
    /// How closely recorded answers must agree with ours.
    pub answers: Closeness,
    /// What stands before the tools' names in the trace; where none is given, what can be told from the names.
    pub prefix: Option<String>,
}

/// Why a trace could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The episode could not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// A journal entry could not be read back.
    #[error("journal: {0}")]
    Journal(#[from] serde_json::Error),
}

/// A trace that was run, and what is reported of it.
pub struct Played {
    /// What is reported.
    pub replay: Replay,
    /// The episode as the last call left it.
    pub episode: Episode,
    /// What each call did.
    pub deeds: Vec<Deed>,
    /// What the procedure asks for besides.
    pub remarks: Vec<Remark>,
}

/// The calls of a trace as they were made again.
pub struct Made {
    /// The calls.
    pub calls: Vec<Step>,
    /// What each of them did.
    pub deeds: Vec<Deed>,
    /// Duties that no call has paid.
    pub unpaid: Vec<Duty>,
    /// What the procedure asks for besides.
    pub remarks: Vec<Remark>,
    actor: Option<String>,
    episode: Episode,
}

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

/// A halt as the journal keeps it.
#[derive(Deserialize)]
struct Halted {
    #[serde(flatten)]
    broken: Broken,
    #[serde(default)]
    evidence: Map<String, Json>,
}

impl Stage {
    /// A stage for episodes under that policy that start from that image.
    pub fn new(policy: Arc<Policy>, image: Arc<Image>, mapping: Option<Arc<Mapping>>) -> Result<Stage, Fault> {
        let hash = image.store().hash(Extent::Result)?.state;
        Ok(Stage { policy, image, mapping, hash, known: OnceLock::new() })
    }

    /// The ids of its policy and its mapping.
    pub fn name(&self) -> (String, Option<String>) {
        (self.policy.id.clone(), self.mapping.as_ref().map(|mapping| mapping.id.clone()))
    }

    /// Run a trace and say what its state is.
    pub fn play(&self, trace: &Trace, conditions: &Conditions) -> Result<Played, Error> {
        let Made { calls, deeds, unpaid, remarks, actor, mut episode } = self.make(trace, conditions)?;
        let hash = episode.hash(Extent::Result)?.state;
        let comparison = match calls.iter().all(|step| step.recorded.is_none()) {
            true => Comparison::Unrecorded,
            false => calls.iter().map(|step| step.comparison).max().unwrap_or(Comparison::Unrecorded),
        };
        let diverged = calls.iter().find(|step| !conditions.answers.admits(step.comparison));
        let replay = Replay {
            name: trace.name.clone(),
            place: Place::from(&trace.source),
            task: trace.task.clone(),
            trial: trace.trial,
            unfinished: trace.unfinished.clone(),
            policy: self.policy.id.clone(),
            mode: conditions.mode,
            mapping: self.mapping.as_ref().map(|mapping| mapping.id.clone()),
            actor,
            comparison,
            first_divergence: diverged.map(|step| step.call),
            notes: self.notes(trace),
            skills: match trace.skills.is_empty() {
                true => Vec::new(),
                false => self.known.get_or_init(|| Known::of(&self.policy)).told(&trace.skills, &calls),
            },
            calls,
            unpaid,
            unchanged: hash == self.hash,
            tokens: trace.tokens,
            hash,
        };
        Ok(Played { replay, episode, deeds, remarks })
    }

    /// Make the calls of a trace.
    pub fn make(&self, trace: &Trace, conditions: &Conditions) -> Result<Made, Error> {
        let names = Names::of(&trace.calls, conditions.prefix.as_deref(), |name| self.has_tool(name));
        let actor = self.actor(trace, conditions, &names)?;
        // A foreign environment without rules records whom the call names, whoever acts.
        let named = self.mapping.is_some() && conditions.mode == Mode::Off;
        let session = actor.clone().filter(|_| !named);
        let settings = Settings { mode: conditions.mode, audit: conditions.audit, actor: session };
        let mut episode = Episode::on_image(self.policy.clone(), &self.image, &settings)?;
        let mut calls = Vec::with_capacity(trace.calls.len());
        let mut deeds = Vec::with_capacity(trace.calls.len());
        // The first call with each number of the journal: one that is repeated has that of the first.
        let mut numbers = BTreeMap::new();
        let mut kept = Kept::default();
        for some in trace.calls.chunks(BATCH) {
            let mut made: Vec<Answer> = some.iter().map(|call| self.call(&mut episode, call, &names)).collect();
            let journal = entries(&mut episode, made.iter().filter_map(|made| made.number))?;
            for (call, made) in some.iter().zip(&mut made) {
                let entry = made.number.and_then(|number| journal.get(&number));
                let (step, deed) = step(calls.len() + 1, call, made, entry, conditions.answers, &mut kept)?;
                made.number.map(|number| numbers.entry(number).or_insert(step.call));
                calls.push(step);
                deeds.push(deed);
            }
        }
        let unpaid = episode.obligations()?.into_iter().filter(|duty| duty.paid_by.is_none());
        let unpaid = unpaid.map(|duty| Duty::new(&duty, numbers.get(&duty.call).copied().unwrap_or_default()));
        let unpaid = unpaid.collect();
        let remarks = remarks(&self.policy, self.mapping.as_deref(), &calls, &deeds);
        Ok(Made { calls, deeds, unpaid, remarks, actor, episode })
    }

    /// Who acts: as it was asked for, as the trace says, as its calls tell, or somebody else.
    fn actor(&self, trace: &Trace, conditions: &Conditions, names: &Names) -> Result<Option<String>, Error> {
        if let Some(actor) = conditions.actor.as_ref().or(trace.actor.as_ref()) {
            return Ok(Some(actor.clone()));
        }
        let told = match &self.mapping {
            None => None,
            Some(mapping) => {
                let settings = Settings { mode: Mode::Off, audit: Some(Audit::None), actor: None };
                let mut scratch = Episode::on_image(self.policy.clone(), &self.image, &settings)?;
                mapping.actor(&mut scratch, &names.taken(&trace.calls, |name| mapping.has_tool(name)))?
            }
        };
        Ok(told.or_else(|| conditions.otherwise.clone()))
    }

    /// What was read otherwise than it stands in the file; and in what the stage is not the one that the trace was recorded
    /// on, for then answers may well differ.
    fn notes(&self, trace: &Trace) -> Vec<String> {
        let recorded = &trace.settings;
        let facts = [
            ("policy", &recorded.policy, &self.policy.id),
            ("edition of the policy", &recorded.fingerprint, &self.policy.fingerprint),
            ("clock", &recorded.clock, &self.policy.clock),
            ("fixtures", &recorded.fixtures, &self.hash),
        ];
        let other = facts.into_iter().filter_map(|(name, recorded, now)| {
            let recorded = recorded.as_ref().filter(|recorded| *recorded != now)?;
            Some(format!("recorded with the {name} {recorded}, run with {now}"))
        });
        trace.notes.iter().cloned().chain(other).collect()
    }

    fn has_tool(&self, name: &str) -> bool {
        self.mapping.as_ref().map_or_else(|| self.policy.tool(name).is_some(), |mapping| mapping.has_tool(name))
    }

    fn call(&self, episode: &mut Episode, call: &Call, names: &Names) -> Answer {
        let tool = names.tool(&call.tool, |name| self.has_tool(name));
        let mut answer = self.call_tool(episode, call, tool);
        if answer.without == Some(UNKNOWN_TOOL)
            && let Some(hint) = names.hint(&call.tool, |name| self.has_tool(name))
            && let Some(Json::String(text)) = answer.answer.get_mut("error")
        {
            *text = format!("{text}; {hint}");
        }
        if answer.mapped.is_none() && tool != call.tool {
            answer.mapped = Some(Mapped { tool: tool.to_owned(), arguments: Packed::from(&call.arguments) });
        }
        answer
    }

    fn call_tool(&self, episode: &mut Episode, call: &Call, tool: &str) -> Answer {
        if let Some(text) = &call.malformed {
            let answer = json!({"error": "the arguments are no JSON object", "arguments": text});
            return Answer { answer, without: Some(INVALID_INPUT), ..Answer::default() };
        }
        match &self.mapping {
            None => match episode.call_once(tool, call.arguments.clone(), call.key.as_deref()) {
                Ok(outcome) => self.native(tool, outcome),
                Err(error) => {
                    let without = match error {
                        CallError::UnknownTool { .. } => UNKNOWN_TOOL,
                        CallError::KeyTaken { .. } => INVALID_INPUT,
                    };
                    Answer { answer: json!({"error": error.to_string()}), without: Some(without), ..Answer::default() }
                }
            },
            Some(mapping) => {
                let answered = mapping.call(episode, tool, &call.arguments);
                let without = match answered.standing {
                    Standing::Made => None,
                    Standing::Refused => Some(REFUSED),
                    Standing::Outside => Some(OUTSIDE),
                    Standing::UnknownTool => Some(UNKNOWN_TOOL),
                };
                let mapped =
                    answered.made.map(|(tool, arguments)| Mapped { tool, arguments: Packed::from(&arguments) });
                let number = answered.outcome.as_ref().map(|outcome| outcome.number);
                let consulted = answered.outcome.map(|outcome| outcome.consulted).unwrap_or_default();
                let searched = answered.searched;
                let seen = answered.seen;
                let told = mapping.told(&call.tool, &call.arguments);
                Answer { answer: answered.answer, without, mapped, number, consulted, searched, seen, told }
            }
        }
    }

    fn native(&self, tool: &str, outcome: Outcome) -> Answer {
        let found = self.policy.tool(tool).and_then(|tool| match tool.work {
            Work::Find(table) => Some(table),
            Work::Act(_) => None,
        });
        let rows = found.and_then(|table| outcome.answer.get(table.plural)).and_then(Json::as_array);
        let keys = rows.into_iter().flatten().zip(found.into_iter().cycle()).filter_map(|(row, table)| {
            let key = row.get(table.key().name)?.as_str().and_then(parse_id)?;
            Some((table.name, key))
        });
        let seen = keys.collect();
        let searched = found.filter(|_| !outcome.is_error).map(|table| table.name);
        let Outcome { answer, consulted, number, .. } = outcome;
        Answer { answer: Json::Object(answer), number: Some(number), consulted, searched, seen, ..Answer::default() }
    }
}

/// A call that was made again, or could not be.
#[derive(Default)]
struct Answer {
    answer: Json,
    /// Its outcome, where no tool of ours ran.
    without: Option<&'static str>,
    mapped: Option<Mapped>,
    /// Its number in the journal.
    number: Option<i64>,
    consulted: Vec<Consulted>,
    searched: Option<&'static str>,
    seen: Vec<(&'static str, i64)>,
    told: Option<Told>,
}

fn step(
    number: usize,
    call: &Call,
    made: &mut Answer,
    entry: Option<&Entry>,
    answers: Closeness,
    kept: &mut Kept,
) -> Result<(Step, Deed), Error> {
    let outcome = match (made.without, entry) {
        (Some(without), _) => without.to_owned(),
        (None, Some(entry)) => entry.outcome.clone(),
        (None, None) => OK.to_owned(),
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
        _ if answers == Closeness::Ignored => (Comparison::Ignored, None),
        (Some(_), Some(packed)) if *packed == answer => (Comparison::Exact, None),
        (Some(recorded), _) => compare(recorded, &made.answer),
        (None, _) => (Comparison::Unrecorded, None),
    };
    let step = Step {
        call: number,
        tool: call.tool.clone(),
        arguments: kept.once(Packed::from(&call.arguments)),
        mapped: made.mapped.take().map(Box::new),
        outcome,
        answer: answer.clone(),
        recorded: packed,
        comparison,
        difference: difference.map(|it| Box::new(AnswerDifference { replayed: it.replayed.within(&answer), ..it })),
        halt: halt.map(|halt| Box::new(halt.broken)),
        violations: violations.into_iter().map(|halt| halt.broken).collect(),
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

impl Halted {
    /// The role that may not, and those that may.
    fn role(&self) -> Option<(String, Vec<String>)> {
        let role = self.evidence.get("actor.role").filter(|_| self.broken.rule == ROLE)?;
        let roles = self.evidence.get("tool.roles").and_then(Json::as_array);
        let roles = roles.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
        Some((role.as_str().unwrap_or_default().to_owned(), roles.collect()))
    }
}

/// The rule that only some roles may use a tool.
pub(super) const ROLE: &str = "actor.role";
