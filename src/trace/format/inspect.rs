//! Evaluation logs of Inspect, as JSON: samples with their messages, or with their events alone.

use super::transcript::Transcript;
use super::{Node, call, chat, text};
use crate::trace::{Answer, Document, Mistake};
use serde_json::Value as Json;

/// How a message refers to a long text that stands elsewhere in its sample.
const ATTACHMENT: &str = "attachment://";

/// Whether the value is a log, or one sample of a log.
pub fn fits(value: &Json) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("eval") && (has("samples") || has("status")) || has("epoch") && has("messages")
}

/// Read all samples.
pub fn read(node: &Node<'_>, document: &mut Document) {
    match node.get("samples").map(|samples| samples.items()) {
        None if node.get("epoch").is_some() => sample(node, document),
        None => {}
        Some(Ok(samples)) => samples.iter().for_each(|node| sample(node, document)),
        Some(Err(mistake)) => document.mistakes.push(mistake),
    }
}

fn sample(node: &Node<'_>, document: &mut Document) {
    let resolved = node.get("attachments").map(|attachments| resolve(node.json, attachments.json));
    let node = Node::new(resolved.as_ref().unwrap_or(node.json), node.source.clone());
    let mut transcript = Transcript::new(&node.source);
    let read = identify(&mut transcript, &node);
    transcript.note(read);
    let messages = node.list("messages");
    let has_calls = messages.iter().flatten().any(|message| message.get("tool_calls").is_some());
    // Agents may forget messages; events tell all that happened, but nothing of what was said.
    let events = node.list("events");
    if !has_calls && events.iter().flatten().any(is_call) {
        transcript.each(events, event);
    } else {
        transcript.each(messages, chat::message);
    }
    transcript.finish(document);
}

fn identify(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let trace = &mut transcript.trace;
    trace.task = node.label_at("id")?;
    trace.trial = node.count_at("epoch")?;
    if let (Some(task), Some(trial)) = (&trace.task, trace.trial) {
        trace.name = format!("{task}/{trial}");
    }
    Ok(())
}

fn is_call(event: &Node<'_>) -> bool {
    event.get("event").is_some_and(|event| event.json == "tool")
}

fn event(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    if !is_call(node) {
        return Ok(());
    }
    transcript.read_call(node);
    let error = node.get("error");
    let result = node.get("result").filter(|result| result.json != "");
    let reason = error.as_ref().and_then(|error| error.get("message"));
    let value = result.or(reason).map_or(Json::Null, |value| text::answer(value.json));
    let answer = Answer { value, is_error: Some(error.is_some()) };
    transcript.answer(call::id(node)?.as_deref(), answer, &node.source)
}

/// The value with every reference to an attachment replaced by its text.
fn resolve(value: &Json, attachments: &Json) -> Json {
    match value {
        Json::String(text) => {
            let found = text.strip_prefix(ATTACHMENT).and_then(|id| attachments.get(id));
            found.unwrap_or(value).clone()
        }
        Json::Array(items) => items.iter().map(|item| resolve(item, attachments)).collect(),
        Json::Object(entries) => {
            entries.iter().map(|(key, entry)| (key.clone(), resolve(entry, attachments))).collect()
        }
        _ => value.clone(),
    }
}
