//! Evaluation logs of Inspect: samples with their messages and events, as JSON or in an archive.

mod archive;
mod attachments;
mod calls;
mod events;
mod models;

pub use archive::{is_archive, read_archive};

use super::Node;
use super::transcript::Transcript;
use crate::{Document, Mistake};
use serde_json::Value as Json;

/// How a log ends whose samples all came to their end.
const SUCCESS: &str = "success";

/// Whether the value is a log, or one sample of a log.
pub fn fits(value: &Json) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("eval") && (has("samples") || has("status")) || has("epoch") && (has("messages") || has("events"))
}

/// Read all samples.
pub fn read(node: &Node<'_>, document: &mut Document) {
    match node.get("samples").map(|samples| samples.items()) {
        None if node.get("epoch").is_some() => sample(node, SUCCESS, document),
        None => {}
        Some(Ok(samples)) => {
            let status = node.get("status").and_then(|status| status.json.as_str()).unwrap_or(SUCCESS);
            samples.iter().for_each(|node| sample(node, status, document));
        }
        Some(Err(mistake)) => document.mistakes.push(mistake),
    }
}

/// Read one sample of a log that ended so.
fn sample(node: &Node<'_>, status: &str, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = identify(&mut transcript, node);
    transcript.note(read);
    let resolved = transcript.note(attachments::resolve(node)).flatten();
    let node = Node::new(resolved.as_ref().unwrap_or(node.json), node.source.clone());
    let mut events = transcript.note(events::read(&node)).unwrap_or_default();
    if events.calls.is_empty() {
        events.calls = transcript.note(models::read(&node)).unwrap_or_default();
    }
    let read = ending(&node, status, events.limit.as_deref());
    transcript.trace.unfinished = transcript.note(read).flatten();
    let is_run =
        ["messages", "events"].iter().any(|key| node.get(key).is_some()) || transcript.trace.unfinished.is_some();
    if node.json.is_object() && !is_run {
        transcript.note::<()>(Err(node.source.mistake("has neither messages nor events, so it is no run")));
    }
    calls::read(&mut transcript, &node, events);
    transcript.finish(document);
}

fn identify(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    node.object()?;
    let trace = &mut transcript.trace;
    trace.task = node.label_at("id")?;
    trace.trial = node.count_at("epoch")?;
    trace.tokens = node.get("model_usage").and_then(|usage| {
        let models = usage.json.as_object()?.values();
        let of_model = |model| Node::new(model, node.source.clone()).sum(&["total_tokens"]);
        models.filter_map(of_model).reduce(u64::saturating_add)
    });
    if let (Some(task), Some(trial)) = (&trace.task, trace.trial) {
        trace.name = format!("{task}/{trial}");
    }
    Ok(())
}

/// Why a sample did not come to its end: its own error or limit, or that of its log where it was not scored.
fn ending(node: &Node<'_>, status: &str, limit: Option<&str>) -> Result<Option<String>, Mistake> {
    if let Some(error) = node.get("error") {
        return Ok(Some(error.get("message").unwrap_or(error).plain()));
    }
    if let Some(limit) = node.get("limit") {
        let kind = limit.get("type").unwrap_or(limit).label()?;
        return Ok(Some(format!("{kind} limit")));
    }
    if let Some(limit) = limit {
        return Ok(Some(format!("{limit} limit")));
    }
    if node.get("invalidation").is_some() {
        return Ok(Some("invalidated".to_owned()));
    }
    let is_scored = node.get("scores").is_some_and(|scores| scores.json.as_object().is_some_and(|it| !it.is_empty()));
    Ok((status != SUCCESS && !is_scored).then(|| status.to_owned()))
}
