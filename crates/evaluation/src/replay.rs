//! Making the calls of a trace again, in an episode of their own.

use super::came::Came;
use super::compare::Closeness;
use super::journal::entries;
use super::model::{Comparison, Duty, Mapped, Place, Remark, Replay, Step};
use super::names::Names;
use super::packed::{Kept, Packed};
use super::remarks::remarks;
use super::skills::Known;
use super::step::{Answer, Deed, How};
use crate::mapping::{Mapping, Standing};
use calls::{CallError, Caller, Episode, Mode, Outcome, Session, Settings, StartError, StuckError};
use procedures::halt::Kind;
use procedures::policy::{Audit, Clock, Pace, Policy, Work};
use records::time;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use store::canonical::Extent;
use store::image::Image;
use store::{Fault, parse_id};
use traces::{Call, Trace};

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
    /// The clock, in place of the policy's.
    pub clock: Option<Clock>,
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
    /// The clock cannot be moved as the trace moves it.
    #[error("the clock cannot be moved: {0}")]
    Stuck(#[from] StuckError),
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
            notes: self.notes(trace, conditions),
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
        let clock = self.clock(trace, conditions);
        let settings = Settings { mode: conditions.mode, audit: conditions.audit, actor: session, clock: Some(clock) };
        let mut episode = Episode::on_image(self.policy.clone(), &self.image, &settings)?;
        let mut calls = Vec::with_capacity(trace.calls.len());
        let mut deeds = Vec::with_capacity(trace.calls.len());
        // The first call with each number of the journal: one that is repeated has that of the first.
        let mut numbers = BTreeMap::new();
        let mut kept = Kept::default();
        let mut advances = trace.advances.iter().peekable();
        for some in trace.calls.chunks(BATCH) {
            let mut made: Vec<Answer> = Vec::with_capacity(some.len());
            for call in some {
                while let Some(advance) = advances.next_if(|advance| advance.is_due(calls.len() + made.len())) {
                    episode.advance(&advance.by)?;
                }
                made.push(self.call(&mut episode, call, &names));
            }
            let journal = entries(&mut episode, made.iter().filter_map(|made| made.number))?;
            for (call, made) in some.iter().zip(&mut made) {
                let entry = made.number.and_then(|number| journal.get(&number));
                let how = How { policy: &self.policy, answers: conditions.answers };
                let (step, deed) = how.step(calls.len() + 1, call, made, entry, &mut kept)?;
                made.number.map(|number| numbers.entry(number).or_insert(step.call));
                calls.push(step);
                deeds.push(deed);
            }
        }
        for advance in advances {
            episode.advance(&advance.by)?;
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
                let settings = Settings { mode: Mode::Off, audit: Some(Audit::None), ..Settings::default() };
                let mut scratch = Episode::on_image(self.policy.clone(), &self.image, &settings)?;
                mapping.actor(&mut scratch, &names.taken(&trace.calls, |name| mapping.has_tool(name)))?
            }
        };
        Ok(told.or_else(|| conditions.otherwise.clone()))
    }

    /// The clock of a trace: one that is moved is stepped, whatever the policy says.
    fn clock(&self, trace: &Trace, conditions: &Conditions) -> Clock {
        let clock = conditions.clock.clone().unwrap_or_else(|| self.policy.clock.clone());
        match trace.advances.is_empty() {
            true => clock,
            false => Clock { pace: Pace::Stepped, ..clock },
        }
    }

    /// What was read otherwise than it stands in the file; and in what the stage is not the one that the trace was recorded
    /// on, for then answers may well differ.
    fn notes(&self, trace: &Trace, conditions: &Conditions) -> Vec<String> {
        let (recorded, clock) = (&trace.settings, self.clock(trace, conditions));
        let facts = [
            ("policy", &recorded.policy, &self.policy.id),
            ("edition of the policy", &recorded.fingerprint, &self.policy.fingerprint),
            ("clock", &recorded.clock, &clock.start),
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
        if answer.came == Came::UnknownTool
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
            return Answer { answer, came: Came::Refused(Kind::Input), ..Answer::default() };
        }
        match &self.mapping {
            None => match episode.call_in(session(episode, call), tool, call.arguments.clone()) {
                Ok(outcome) => self.native(tool, outcome),
                Err(error) => {
                    let came = match error {
                        CallError::UnknownTool { .. } => Came::UnknownTool,
                        CallError::KeyTaken { .. } => Came::Refused(error.kind()),
                    };
                    Answer { answer: json!({"error": error.to_string()}), came, ..Answer::default() }
                }
            },
            Some(mapping) => {
                let answered = mapping.call(episode, tool, &call.arguments);
                let came = match answered.standing {
                    Standing::Made => answered.outcome.as_ref().map_or(Came::Through, Came::of),
                    Standing::Refused => Came::RefusedThere,
                    Standing::Outside => Came::Outside,
                    Standing::UnknownTool => Came::UnknownTool,
                };
                let mapped =
                    answered.made.map(|(tool, arguments)| Mapped { tool, arguments: Packed::from(&arguments) });
                let number = answered.outcome.as_ref().map(|outcome| outcome.number);
                let consulted = answered.outcome.map(|outcome| outcome.consulted).unwrap_or_default();
                let searched = answered.searched;
                let seen = answered.seen;
                let told = mapping.told(&call.tool, &call.arguments);
                Answer { answer: answered.answer, came, mapped, number, consulted, searched, seen, told }
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
        let searched = found.filter(|_| !outcome.is_error()).map(|table| table.name);
        let came = Came::of(&outcome);
        let Outcome { answer, consulted, number, .. } = outcome;
        Answer {
            answer: Json::Object(answer),
            came,
            number: Some(number),
            consulted,
            searched,
            seen,
            ..Answer::default()
        }
    }
}

/// What a call was made in: at the time that its recording tells, where that tells one.
fn session(episode: &Episode, call: &Call) -> Session {
    let session = episode.session(Caller::host(call.key.as_deref()));
    match call.now.as_deref().and_then(time::canonical) {
        Some(now) => Session { now, ..session },
        None => session,
    }
}
