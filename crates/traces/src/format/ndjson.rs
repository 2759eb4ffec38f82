//! Our own format, an episode's journal: a header line, then a line for each call as it is made.
//!
//! A file may hold several journals, one after the other. Lines with a `role` are messages: a server hears none, but
//! traces of other formats have them.

use super::connections::CUT;
use super::lines::Line;
use super::transcript::Transcript;
use super::{Node, advances, chat, header};
use crate::{Advance, Answer, Call, Document, Mistake, Role, Step, Trace, Verdict};
use serde_json::{Map, Value as Json, json};

/// The version of the format, which the header names.
pub const VERSION: &str = "incident-mcp/journal/1";

/// The key of a line that says by how much the clock was moved.
const ADVANCE: &str = "advance";

const FAMILY: &str = "incident-mcp/journal/";

/// Whether the value is a header.
pub fn fits(value: &Json) -> bool {
    value.get("format").and_then(Json::as_str).is_some_and(|format| format.starts_with(FAMILY))
}

struct Journal {
    transcript: Transcript,
    /// The number that the next call must have.
    next: u64,
}

/// Read all journals.
pub fn read(lines: &mut dyn Iterator<Item = Line<'_>>, document: &mut Document) {
    let mut open: Option<Journal> = None;
    for line in lines {
        let (read, last) = match line {
            Line::Value(value) => {
                let node = value.node();
                if node.get("format").is_some() {
                    open.take().into_iter().for_each(|journal| journal.transcript.finish(document));
                    let journal = open.insert(Journal { transcript: Transcript::new(&node.source), next: 1 });
                    (journal.header(&node), false)
                } else {
                    match &mut open {
                        Some(journal) => (journal.line(&node), false),
                        None => (Err(node.source.mistake("stands before the header")), false),
                    }
                }
            }
            Line::Broken { mistake, last, .. } => {
                open.iter_mut().for_each(|journal| journal.next = journal.next.saturating_add(1));
                (Err(mistake), last)
            }
        };
        match &mut open {
            Some(journal) if !last => drop(journal.transcript.note(read)),
            // A recorder that was cut short loses its last line; what it wrote before still happened.
            Some(journal) => {
                journal.transcript.trace.unfinished.get_or_insert_with(|| CUT.to_owned());
                document.mistakes.extend(read.err());
            }
            None => document.mistakes.extend(read.err()),
        }
    }
    open.into_iter().for_each(|journal| journal.transcript.finish(document));
}

impl Journal {
    fn header(&mut self, node: &Node<'_>) -> Result<(), Mistake> {
        let format = node.need("format")?;
        match format.text()? {
            VERSION => header::read(node, &mut self.transcript.trace),
            other => Err(format.source.mistake(format!("is {other:?}; this program reads {VERSION:?}"))),
        }
    }

    fn line(&mut self, node: &Node<'_>) -> Result<(), Mistake> {
        if let Some(role) = node.get("role") {
            let role = match role.text()? {
                "system" => Role::System,
                "user" => Role::User,
                "assistant" => Role::Agent,
                _ => return Err(role.source.mistake("must be system, user or assistant")),
            };
            self.transcript.say(role, node.need("content")?.text()?);
            return Ok(());
        }
        if let Some(by) = node.get(ADVANCE) {
            let after = Some(self.transcript.trace.calls.len());
            let by = advances::duration(&by)?;
            self.transcript.trace.advances.push(Advance { by, after });
            return Ok(());
        }
        let number = node.need("call")?;
        let (given, next) = (number.json.as_u64(), self.next);
        self.next = given.unwrap_or(next).saturating_add(1);
        let call = read_call(node)?;
        if given != Some(next) {
            return Err(number.source.mistake(format!("must be {next}: calls are numbered from 1 without gaps")));
        }
        self.transcript.call(call, &node.source);
        Ok(())
    }
}

fn read_call(node: &Node<'_>) -> Result<Call, Mistake> {
    let tool = node.need("tool")?.text()?.to_owned();
    let arguments = node.need("arguments")?.object()?.clone();
    let verdict = verdict(node)?;
    let marked = node.get("is_error").map(|mark| mark.json.as_bool().ok_or_else(|| mark.wrong("true or false")));
    let is_error = marked.transpose()?.or(verdict.as_ref().map(Verdict::is_error));
    let answer = node.entry("answer").map(|answer| Answer { value: answer.json.clone(), is_error });
    Ok(Call {
        id: node.label_at("id")?.unwrap_or_default(),
        tool,
        arguments,
        malformed: node.get("malformed").map(|text| text.text().map(str::to_owned)).transpose()?,
        answer,
        key: node.label_at("key")?,
        actor: node.label_at("actor")?,
        verdict,
        now: node.label_at("now")?,
        edition: node.label_at("edition")?,
    })
}

/// What a journal says of a call, where the object says it.
pub(super) fn verdict(node: &Node<'_>) -> Result<Option<Verdict>, Mistake> {
    let Some(outcome) = node.get("outcome") else { return Ok(None) };
    let list = |key| Ok(node.list(key)?.into_iter().map(|item| item.json.clone()).collect());
    Ok(Some(Verdict {
        outcome: outcome.text()?.to_owned(),
        rule: node.label_at("rule")?,
        violations: list("violations")?,
        changes: list("changes")?,
    }))
}

/// The header line of a trace, without its end.
pub fn header_line(trace: &Trace) -> String {
    let mut line = Map::from_iter([("format".to_owned(), VERSION.into())]);
    line.append(&mut header::write(trace));
    // They are lines of their own, each in its place.
    line.shift_remove(advances::KEY);
    Json::Object(line).to_string()
}

/// The line of a call, without its end; `number` is its place in the trace, from 1.
pub fn call_line(number: usize, call: &Call) -> String {
    let mut line = Map::from_iter([("call".to_owned(), number.into())]);
    let mut put = |name: &str, value: Option<Json>| value.map(|value| line.insert(name.to_owned(), value));
    put("id", (call.id != number.to_string() && !call.id.is_empty()).then(|| call.id.as_str().into()));
    put("key", call.key.as_deref().map(Into::into));
    put("tool", Some(call.tool.as_str().into()));
    put("actor", call.actor.as_deref().map(Into::into));
    put("arguments", Some(call.arguments.clone().into()));
    put("malformed", call.malformed.as_deref().map(Into::into));
    if let Some(answer) = &call.answer {
        put("answer", Some(answer.value.clone()));
        let implied = call.verdict.as_ref().map(Verdict::is_error);
        put("is_error", answer.is_error.filter(|mark| Some(*mark) != implied).map(Into::into));
    }
    if let Some(verdict) = &call.verdict {
        put("outcome", Some(verdict.outcome.as_str().into()));
        put("rule", verdict.rule.as_deref().map(Into::into));
        put("violations", Some(verdict.violations.clone().into()));
        put("changes", Some(verdict.changes.clone().into()));
    }
    put("now", call.now.as_deref().map(Into::into));
    put("edition", call.edition.as_deref().map(Into::into));
    Json::Object(line).to_string()
}

/// The line of a move of the clock by that duration, without its end.
pub fn advance_line(by: &str) -> String {
    json!({ ADVANCE: by }).to_string()
}

/// The journals of several traces.
pub fn write(traces: &[Trace]) -> String {
    let mut lines = Vec::new();
    for trace in traces {
        lines.push(header_line(trace));
        let mut number = 0;
        let mut advances = trace.advances.iter().peekable();
        for step in trace.steps() {
            if matches!(step, Step::Call(_)) {
                let due = std::iter::from_fn(|| advances.next_if(|advance| advance.is_due(number)));
                lines.extend(due.map(|advance| advance_line(&advance.by)));
            }
            lines.push(match step {
                Step::Message(message) => {
                    json!({"role": chat::role(message.role), "content": message.text}).to_string()
                }
                Step::Call(call) => {
                    number += 1;
                    call_line(number, call)
                }
            });
        }
        lines.extend(advances.map(|advance| advance_line(&advance.by)));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}
