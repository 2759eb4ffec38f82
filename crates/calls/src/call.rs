//! The life of a call: shape and types, references, acting user, rules, write, journal; one transaction.

use super::budget::{self, ANSWER};
use super::judge::{Stop, Verdict, judge};
use super::{CallError, Caller, Consulted, Episode, Outcome, Session, find};
use procedures::action;
use procedures::action::call::{Call, Permit};
use procedures::domain::service_management;
use procedures::expression;
use procedures::halt::{FAULT, Halt, Kind, OK, Problem};
use procedures::policy::{Act, Audit, Policy, Tool, Work};
use records::catalogue::AUDIT_LOGS;
use records::suggest::did_you_mean;
use serde_json::{Map, Value as Json, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use store::fixtures::brief_text;
use store::{Change, Entry, Fault, Obligation, Transaction};

/// A failure of the program, never the caller's doing. It is logged in full and answered opaquely.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("store: {0}")]
    Store(#[from] Fault),
    #[error("action: {0}")]
    Action(#[from] action::Error),
    #[error("rule: {0}")]
    Rule(#[from] expression::Fault),
    #[error("data: {0}")]
    Data(#[from] serde_json::Error),
    #[error("panic: {0}")]
    Panic(String),
}

/// A call that was made before, and its answer again.
struct Earlier {
    tool: String,
    arguments: Map<String, Json>,
    outcome: Outcome,
}

/// What a call leaves, before it is written down.
pub(super) struct Done {
    pub answer: Map<String, Json>,
    pub ledger: Ledger,
}

/// What a call does to the ledger of obligations.
#[derive(Default)]
pub(super) struct Ledger {
    pub owes: Option<Obligation>,
    pub pays: Option<i64>,
}

/// What is known of a call when it ends, however it ends.
#[derive(Default)]
pub(super) struct Record {
    pub number: i64,
    pub actor: Option<i64>,
    pub violations: Vec<Halt>,
    pub consulted: Vec<Consulted>,
}

impl Outcome {
    /// A refusal that no rule gave, of a call that is not in the journal.
    pub(super) fn outside(kind: Kind, answer: Map<String, Json>) -> Outcome {
        let text = serde_json::to_string(&answer).unwrap_or_default();
        Outcome { answer, text, refused: Some(kind), rule: None, consulted: Vec::new(), number: 0, repeated: false }
    }
}

impl Episode {
    /// Run one tool call. A halt or a fault writes nothing but its journal entry.
    pub fn call(&mut self, name: &str, arguments: Map<String, Json>) -> Result<Outcome, CallError> {
        self.call_once(name, arguments, None)
    }

    /// Run one tool call, once for each key: repeated under its key, it is answered as the first time and writes nothing.
    ///
    /// A call that ended in a fault wrote nothing, so under its key it can be tried again.
    pub fn call_once(
        &mut self,
        name: &str,
        arguments: Map<String, Json>,
        key: Option<&str>,
    ) -> Result<Outcome, CallError> {
        self.call_in(self.session(Caller::host(key)), name, arguments)
    }

    /// Run one tool call in that session, once for each key.
    pub fn call_in(
        &mut self,
        session: Session,
        name: &str,
        arguments: Map<String, Json>,
    ) -> Result<Outcome, CallError> {
        let policy = self.policy.clone();
        let Some(tool) = policy.tool(name) else {
            let hint = did_you_mean(name, policy.tools.iter().map(|tool| tool.name.as_str()));
            return Err(CallError::UnknownTool { name: brief_text(name), hint });
        };
        let given = serde_json::to_string(&arguments).unwrap_or_default();
        if let Some(key) = &session.key {
            match self.earlier(key) {
                Ok(None) => {}
                Ok(Some(first)) if first.tool == name && first.arguments == arguments => return Ok(first.outcome),
                Ok(Some(first)) => return Err(CallError::KeyTaken { key: brief_text(key), tool: first.tool }),
                Err(failure) => return Ok(self.fault(&session, name, given, &failure)),
            }
        }
        if let Some(answer) = self.budget.refusal(&self.tally, given.len()) {
            return Ok(Outcome::outside(Kind::Limit, Episode::timed(&self.clock, answer, &session.now)));
        }
        Ok(self.caught(&session, name, given, |episode, given| {
            episode.attempt(&policy, &session, name, given, ANSWER, |verdict, record| match &tool.work {
                Work::Find(table) => find::find(verdict, tool, table, arguments, record),
                Work::Act(act) => run(verdict, tool, act, arguments, record),
            })
        }))
    }

    /// What an attempt came to; a failure or a panic is a fault.
    pub(super) fn caught(
        &mut self,
        session: &Session,
        name: &str,
        given: String,
        attempt: impl FnOnce(&mut Episode, &str) -> Result<Outcome, Failure>,
    ) -> Outcome {
        // A panic unwinds through the transaction, which rolls back when it is dropped.
        let failure = match catch_unwind(AssertUnwindSafe(|| attempt(self, &given))) {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(failure)) => failure,
            Err(panic) => Failure::Panic(said(&*panic)),
        };
        self.fault(session, name, given, &failure)
    }

    /// The call that was made under that key.
    fn earlier(&mut self, key: &str) -> Result<Option<Earlier>, Failure> {
        let Some(first) = self.store.transaction()?.keyed(key)? else { return Ok(None) };
        let refused = match (&first.rule, first.went_through()) {
            (Some(rule), _) => Some(self.policy.kind_of(rule)),
            (None, true) => None,
            // A fault has no key. What else no rule refused was too long.
            (None, false) => Some(Kind::Limit),
        };
        let outcome = Outcome {
            answer: serde_json::from_str(&first.answer)?,
            text: first.answer,
            refused,
            rule: first.rule,
            consulted: Vec::new(),
            number: first.call,
            repeated: true,
        };
        Ok(Some(Earlier { tool: first.tool, arguments: serde_json::from_str(&first.arguments)?, outcome }))
    }

    pub(super) fn attempt(
        &mut self,
        policy: &Policy,
        session: &Session,
        name: &str,
        given: &str,
        longest: usize,
        work: impl FnOnce(&Verdict<'_>, &mut Record) -> Result<Done, Stop>,
    ) -> Result<Outcome, Failure> {
        let mut tx = self.store.transaction()?;
        let mut record = Record { number: tx.next_call()?, ..Record::default() };
        let verdict = Verdict { policy, tx: &tx, session, foreign: None };
        let (mut answer, mut ledger, mut outcome, mut refused, mut rule) = match work(&verdict, &mut record) {
            Ok(done) => (done.answer, Some(done.ledger), OK.to_owned(), None, None),
            Err(Stop::Halt(halt)) => {
                let (code, kind, rule) = (halt.code.clone(), halt.kind, halt.rule.clone());
                (object(serde_json::to_value(halt)?)?, None, code, Some(kind), Some(rule))
            }
            Err(Stop::Failure(failure)) => return Err(failure),
        };
        answer = Episode::timed(&self.clock, answer, &session.now);
        let mut text = serde_json::to_string(&answer)?;
        if text.len() > longest {
            answer = Episode::timed(&self.clock, budget::too_long(), &session.now);
            text = serde_json::to_string(&answer)?;
            (ledger, outcome) = (None, budget::ANSWER_TOO_LONG.to_owned());
            (refused, rule) = (Some(Kind::Limit), None);
        }
        let mut changes = tx.changes();
        if ledger.is_none() && !changes.is_empty() {
            // An action that stopped half-way: its rows go, the journal entry stays.
            tx.rollback()?;
            tx = self.store.transaction()?;
            changes.clear();
        }
        let entry = Entry {
            call: record.number,
            key: session.key.clone(),
            tool: name.to_owned(),
            actor: record.actor.map(|id| id.to_string()),
            arguments: given.to_owned(),
            answer: text,
            outcome,
            rule,
            violations: serde_json::to_string(&record.violations)?,
            changes: Json::Array(changes.iter().map(Change::to_json).collect()).to_string(),
            // Marks say it, where the episode itself does not.
            now: None,
            edition: None,
        };
        let mark = self.moment.due(record.number - 1, &session.now, policy);
        if let Some(mark) = &mark {
            tx.mark(mark)?;
        }
        tx.append(&entry)?;
        if let Some(ledger) = &ledger {
            if let Some(duty) = &ledger.owes {
                tx.oblige(duty)?;
            }
            if let Some(obligation) = ledger.pays {
                tx.pay(obligation, record.number)?;
            }
        }
        tx.commit()?;
        self.moment.note(mark);
        self.tally.add(&entry);
        let Entry { answer: text, rule, .. } = entry;
        let Record { number, consulted, .. } = record;
        Ok(Outcome { answer, text, refused, rule, consulted, number, repeated: false })
    }

    /// Log the failure in full; tell the caller, and the journal, its number only.
    fn fault(&mut self, session: &Session, name: &str, given: String, failure: &Failure) -> Outcome {
        let number = self.store.transaction().and_then(|tx| tx.next_call()).unwrap_or(0);
        let id = format!("fault-{number}");
        tracing::error!(tool = name, id, "call failed: {failure}");
        let message = format!("The server failed ({id}); nothing was written.");
        let remedy = "This is no fault of the call. Go on with something else, or report the number.";
        let answer = Episode::timed(&self.clock, budget::refusal(FAULT, &message, remedy), &session.now);
        let entry = Entry {
            call: number,
            key: None,
            tool: name.to_owned(),
            actor: None,
            arguments: given,
            answer: serde_json::to_string(&answer).unwrap_or_default(),
            outcome: FAULT.to_owned(),
            rule: None,
            violations: "[]".to_owned(),
            changes: "[]".to_owned(),
            now: None,
            edition: None,
        };
        let mark = self.moment.due(number - 1, &session.now, &self.policy);
        let journaled = self.store.transaction().and_then(|tx| {
            if let Some(mark) = &mark {
                tx.mark(mark)?;
            }
            tx.append(&entry)?;
            tx.commit()
        });
        match journaled {
            Ok(()) => {
                self.moment.note(mark);
                self.tally.add(&entry);
            }
            Err(error) => tracing::error!(id, "the failure could not be journaled: {error}"),
        }
        Outcome { number, ..Outcome::outside(Kind::Fault, answer) }
    }
}

/// Judge an action and, if it passes, run it.
pub(super) fn run(
    verdict: &Verdict<'_>,
    tool: &Tool,
    act: &Act,
    arguments: Map<String, Json>,
    record: &mut Record,
) -> Result<Done, Stop> {
    let judged = judge(verdict, tool, act, arguments, record)?;
    let call = Call::new(
        verdict.tx,
        &verdict.session.now,
        &verdict.policy.tiers,
        judged.actor,
        &service_management().operations,
    );
    let permit = Permit::grant(call);
    let answer = match judged.action.run(&permit) {
        Ok(answer) => answer,
        Err(action::Error::NoActor) => return Err(Stop::from(verdict.actor_missing(act.operation.actor))),
        Err(action::Error::Underivable(field)) => return Err(verdict.invalid(vec![underivable(field)]).into()),
        Err(error) => return Err(Failure::Action(error).into()),
    };
    let mut answer = object(answer)?;
    if let Some(foreign) = verdict.foreign {
        foreign.keep(verdict)?;
    }
    let changes = verdict.tx.changes();
    let owes = match (&act.audit, verdict.session.audit) {
        (Some(verb), Audit::Explicit) => owed(act, verb, &changes, record.number),
        (Some(verb), Audit::Automatic) => {
            if let Some(id) = write_audit(verdict, act, verb, &changes, record.actor)? {
                answer.insert("audit_id".to_owned(), id.into());
            }
            None
        }
        (_, _) => None,
    };
    if let Some(duty) = &owes {
        let payer = verdict.policy.audit_tool().map(|tool| tool.name.as_str());
        answer.insert(
            "owes".to_owned(),
            json!({
                "tool": payer,
                "action": duty.action,
                "entity_type": duty.entity_type,
                "entity_id": duty.entity_id,
            }),
        );
    }
    let pays = match verdict.session.audit {
        Audit::Explicit => paid(verdict.tx, &changes, record.actor)?,
        Audit::Automatic | Audit::None => None,
    };
    Ok(Done { answer, ledger: Ledger { owes, pays } })
}

/// The problem with an input that may be left out only where the records give its value.
fn underivable(field: &str) -> Problem {
    let problem = "is required here: the records do not give it".to_owned();
    Problem { field: field.to_owned(), value: None, problem, allowed: Vec::new(), did_you_mean: None }
}

fn object(value: Json) -> Result<Map<String, Json>, Failure> {
    match value {
        Json::Object(object) => Ok(object),
        _ => Err(Failure::Panic("an answer is not an object".to_owned())),
    }
}

fn owed(act: &Act, verb: &str, changes: &[Change], call: i64) -> Option<Obligation> {
    let change = changes.iter().find(|change| change.after.table() == act.operation.record)?;
    Some(Obligation {
        call,
        action: verb.to_owned(),
        entity_type: act.operation.record.entity.to_owned(),
        entity_id: change.after.key().to_string(),
        paid_by: None,
    })
}

/// The oldest duty of its author that an audit entry among the changes pays.
fn paid(tx: &Transaction<'_>, changes: &[Change], author: Option<i64>) -> Result<Option<i64>, Failure> {
    let Some(entry) = changes.iter().find(|change| change.after.table() == &AUDIT_LOGS) else {
        return Ok(None);
    };
    let cell = |column| entry.after.text(column).unwrap_or_default();
    Ok(tx.unpaid(cell("action"), cell("entity_type"), cell("entity_id"), author)?)
}

fn write_audit(
    verdict: &Verdict<'_>,
    act: &Act,
    verb: &str,
    changes: &[Change],
    actor: Option<i64>,
) -> Result<Option<String>, Failure> {
    let record = act.operation.record;
    let change = changes.iter().find(|change| change.after.table() == record);
    let (Some(change), Some(actor)) = (change, actor) else { return Ok(None) };
    // Names of changed fields only, never values (ruling X52).
    let fields = change.before.as_ref().map(|before| {
        let columns = record.columns.iter().filter(|column| column.name != "updated_at");
        let changed = columns.filter(|c| before.get(c.name) != change.after.get(c.name));
        changed.map(|column| column.name).collect::<Vec<_>>().join(", ")
    });
    let row = verdict.tx.insert(
        &AUDIT_LOGS,
        vec![
            ("action", verb.into()),
            ("entity_type", record.entity.into()),
            ("entity_id", change.after.key().to_string().into()),
            ("audit_by_user", actor.into()),
            ("changed_fields", fields.into()),
            ("created_at", verdict.session.now.as_str().into()),
        ],
    )?;
    Ok(Some(row.key().to_string()))
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}
