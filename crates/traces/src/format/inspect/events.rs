//! The events of a sample, as far as they tell of calls: all that ran, also what the messages have forgotten.

use super::super::{Node, call, text};
use crate::{Answer, Call, Mistake, Source};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What the events of a sample tell.
#[derive(Default)]
pub struct Events {
    /// The calls, in the order in which they began.
    pub calls: Vec<Event>,
    /// The limit that ended it.
    pub limit: Option<String>,
}

/// A call that an event tells of.
pub struct Event {
    /// The call, with its answer.
    pub call: Call,
    /// Where.
    pub source: Source,
    /// Whether it was let through.
    pub ran: bool,
}

/// Whether anything is read of an event; of models only where they are asked for.
pub fn is_read(event: &Json, models: bool) -> bool {
    let kinds = ["tool", "approval", "subtask", "step", "span_begin", "sample_limit"];
    let kind = event.get("event").and_then(Json::as_str);
    kind.is_some_and(|kind| kinds.contains(&kind) || models && kind == "model")
}

/// What kept a call from being run, by the word of Inspect: it was refused by whoever watches over calls.
pub fn is_refused(error: Option<&Node<'_>>) -> bool {
    error.and_then(|error| error.get("type")).is_some_and(|kind| kind.json == "approval")
}

/// Read the events of a sample.
pub fn read(sample: &Node<'_>) -> Result<Events, Mistake> {
    let mut reader = Reader::default();
    reader.all(&sample.list("events")?)?;
    for event in &mut reader.events.calls {
        if let Some(arguments) = reader.modified.remove(&event.call.id) {
            event.call.arguments = arguments;
        }
    }
    Ok(reader.events)
}

#[derive(Default)]
struct Reader {
    events: Events,
    /// The arguments with which calls were let through in place of their own.
    modified: BTreeMap<String, Map<String, Json>>,
    /// Spans: the one around each, and whether it is a scorer's.
    spans: BTreeMap<String, (Option<String>, bool)>,
    /// How many steps of scorers are open, in logs from before there were spans.
    scoring: usize,
}

impl Reader {
    fn all(&mut self, events: &[Node<'_>]) -> Result<(), Mistake> {
        events.iter().try_for_each(|event| self.one(event))
    }

    fn one(&mut self, event: &Node<'_>) -> Result<(), Mistake> {
        let kind = event.get("event").map(|kind| kind.text()).transpose()?;
        let is = |key: &str, word: &str| event.get(key).is_some_and(|value| value.json == word);
        match kind {
            Some("tool") if !self.is_scorers(event)? => {
                self.tool(event)?;
                // In the first logs, what a subagent did stands within its call.
                self.all(&event.list("events")?)?;
            }
            Some("subtask") => self.all(&event.list("events")?)?,
            Some("approval") if is("decision", "modify") => {
                if let Some(call) = event.get("modified") {
                    let of = event.path(&["call", "id"]).map(|id| id.label()).transpose()?;
                    let call = call::call(&call)?;
                    self.modified.insert(of.unwrap_or(call.id), call.arguments);
                }
            }
            Some("step") if is("type", "scorer") || is("type", "scorers") => match is("action", "begin") {
                true => self.scoring += 1,
                false => self.scoring = self.scoring.saturating_sub(1),
            },
            Some("span_begin") => {
                if let Some(id) = event.label_at("id")? {
                    let scores = is("type", "scorers") || is("type", "scorer");
                    self.spans.insert(id, (event.label_at("parent_id")?, scores));
                }
            }
            Some("sample_limit") => self.events.limit = event.label_at("type")?.or(Some("sample".to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// Whether a scorer called the tool, after the run.
    fn is_scorers(&self, event: &Node<'_>) -> Result<bool, Mistake> {
        let mut at = event.label_at("span_id")?;
        // Each span has one around it at most, so there are no more steps than spans, even in a circle.
        for _ in 0..self.spans.len() {
            match at.as_ref().and_then(|id| self.spans.get(id)) {
                Some((_, true)) => return Ok(true),
                Some((parent, false)) => at.clone_from(parent),
                None => break,
            }
        }
        Ok(self.scoring > 0)
    }

    fn tool(&mut self, node: &Node<'_>) -> Result<(), Mistake> {
        let mut call = call::call(node)?;
        let error = node.get("error");
        let reason = error.as_ref().and_then(|error| error.get("message"));
        if error.as_ref().and_then(|error| error.get("type")).is_some_and(|kind| kind.json == "parsing") {
            call.malformed = reason.as_ref().map(Node::plain);
        }
        let is_pending = node.get("pending").is_some_and(|mark| mark.json == &Json::Bool(true));
        if !is_pending {
            let result = node.get("result").filter(|result| result.json != "");
            let value = result.or(reason).map_or(Json::Null, |value| text::answer(value.json));
            call.answer = Some(Answer { value, is_error: Some(error.is_some()) });
        }
        self.events.calls.push(Event { call, source: node.source.clone(), ran: !is_refused(error.as_ref()) });
        Ok(())
    }
}
