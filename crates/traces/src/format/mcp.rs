//! Logs of MCP's JSON-RPC messages: bare, or each in a wrapper that says when, where and in which direction.

use super::connections::{Event, Log, What};
use super::lines::{Line, Value, is_meant, is_rpc};
use super::node::{Node, escape};
use super::tags::{self, Tags};
use super::{Format, call, foreign_format, text};
use crate::{Answer, Call, Document, Mistake, Source};
use serde_json::{Value as Json, json};
use std::borrow::Cow;

/// How deep a wrapper may hide its message; loggers use one or two levels.
const DEPTH: usize = 3;

/// Where a call carries its idempotency key.
const KEY: [&str; 2] = ["_meta", "idempotencyKey"];

/// Under which a wrapper has a request, and the names under which its answer stands beside it.
const PAIR: (&str, [&str; 2]) = ("request", ["response", "result"]);

/// A message, and where it stands in its value.
type Found<'a> = (Cow<'a, Json>, String);

/// Whether the value is a message, or wraps some.
pub fn fits(value: &Json) -> bool {
    value.is_object() && holds(value, DEPTH)
}

/// Whether [`gather`] finds any in it.
fn holds(value: &Json, depth: usize) -> bool {
    match value {
        Json::Object(_) if value.get("jsonrpc").is_some() => true,
        Json::Object(entries) if depth > 0 => {
            pair(value, "").is_some() || entries.values().any(|entry| holds(entry, depth - 1))
        }
        Json::Array(batch) => batch.iter().any(|message| message.get("jsonrpc").is_some()),
        Json::String(text) if is_rpc(text) => {
            serde_json::from_str::<Json>(text).is_ok_and(|value| holds(&value, depth.saturating_sub(1)))
        }
        _ => false,
    }
}

/// The JSON-RPC messages in a value, requests first. In a text, places go on within its JSON.
fn messages(value: &Json) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    gather(value, String::new(), DEPTH, &mut found);
    // Some loggers write a message twice: as it came, and as they read it.
    let mut distinct: Vec<Found<'_>> = Vec::with_capacity(found.len());
    for (message, pointer) in found {
        if !distinct.iter().any(|(other, _)| *other == message) {
            distinct.push((message, pointer));
        }
    }
    distinct.sort_by_key(|(message, _)| message.get("method").is_none());
    distinct
}

fn gather<'a>(value: &'a Json, pointer: String, depth: usize, found: &mut Vec<Found<'a>>) {
    match value {
        Json::Object(_) if value.get("jsonrpc").is_some() => found.push((Cow::Borrowed(value), pointer)),
        Json::Object(entries) if depth > 0 => {
            if let Some(pair) = pair(value, &pointer) {
                found.extend(pair);
                return;
            }
            for (key, entry) in entries {
                gather(entry, format!("{pointer}/{}", escape(key)), depth - 1, found);
            }
        }
        Json::Array(batch) => {
            for (at, message) in batch.iter().enumerate().filter(|(_, message)| message.get("jsonrpc").is_some()) {
                found.push((Cow::Borrowed(message), format!("{pointer}/{at}")));
            }
        }
        Json::String(text) if is_rpc(text) => {
            let Ok(value) = serde_json::from_str::<Json>(text) else { return };
            let mut inside = Vec::new();
            gather(&value, pointer, depth.saturating_sub(1), &mut inside);
            found.extend(inside.into_iter().map(|(message, at)| (Cow::Owned(message.into_owned()), at)));
        }
        _ => {}
    }
}

/// A call and its answer in one wrapper, without what JSON-RPC puts around them: so the MCP Inspector exports its history.
fn pair(value: &Json, pointer: &str) -> Option<[Found<'static>; 2]> {
    let own = |key: &str| match value.get(key)? {
        Json::String(text) => serde_json::from_str::<Json>(text).ok(),
        value => Some(value.clone()),
    };
    let mut request = own(PAIR.0).filter(|request| request.get("jsonrpc").is_none())?;
    let is_call = request.get("method").is_some_and(|method| method == CALL);
    let (name, answer) = PAIR.1.iter().find_map(|name| Some((name, own(name)?)))?;
    if !is_call || answer.get("jsonrpc").is_some() {
        return None;
    }
    // They belong to each other, and have no id.
    let id = Json::from("");
    request["id"] = id.clone();
    let is_whole = answer.get("result").is_some() || answer.get("error").is_some();
    let mut response = if is_whole { answer } else { json!({"result": answer}) };
    response["id"] = id;
    let place = |key: &str| format!("{pointer}/{key}");
    Some([(Cow::Owned(request), place(PAIR.0)), (Cow::Owned(response), place(name))])
}

/// The method by which a tool is called.
const CALL: &str = "tools/call";

/// Read the calls of all connections, each of which is a trace.
pub fn read(lines: &mut dyn Iterator<Item = Line<'_>>, document: &mut Document) {
    let mut log = Log::default();
    for line in lines {
        match line {
            Line::Value(value) => read_value(&value, &mut log, document),
            // Programs print other things into a log.
            Line::Broken { text, .. } if !is_meant(text) => {}
            Line::Broken { mistake, last, .. } => {
                document.mistakes.push(mistake);
                // A recorder that was cut short loses its last line; what it wrote before still happened. Any other line may
                // be of any connection.
                log.is_cut |= last;
                if !last {
                    log.broken.push(log.events.len());
                }
            }
        }
    }
    log.finish(document);
}

fn read_value(value: &Value<'_>, log: &mut Log, document: &mut Document) {
    let messages = messages(&value.json);
    if messages.is_empty() {
        // Of another program's line nothing is lost; but a run in another format is no such line.
        document.mistakes.extend(foreign_format(Format::Mcp, &value.node()));
        return;
    }
    let mut told = Tags::new();
    tags::of_text(value.before, &mut told);
    [&value.json].into_iter().chain(&value.beside).for_each(|value| tags::of_value(value, &mut told));
    let told = log.told(told);
    let outer = value.source.pointer.len();
    for (message, pointer) in messages {
        let pointer = format!("{}{pointer}", value.source.pointer);
        let source = Source { pointer, ..value.source.clone() };
        let node = Node::new(&message, source);
        match what(&node) {
            Ok(Some((id, what))) => log.events.push(Event { told, id, what, source: node.source, outer }),
            Ok(None) => {}
            Err(mistake) => {
                log.events.push(Event { told, id: None, what: What::Mistake(mistake), source: node.source, outer })
            }
        }
    }
}

/// What a message is, with its id.
fn what(node: &Node<'_>) -> Result<Option<(Option<String>, What)>, Mistake> {
    // A number and its text are two ids.
    let id = node.get("id").map(|id| id.json.to_string());
    let Some(method) = node.get("method") else {
        return Ok(answer(node)?.map(|what| (id, what)));
    };
    let what = match method.json.as_str() {
        Some(CALL) => {
            node.need("id")?;
            let again = ["requestState", "inputResponses"].iter().any(|key| node.path(&["params", key]).is_some());
            What::Call { call: Box::new(request(node)), again }
        }
        Some("initialize") => What::Begin,
        Some("notifications/cancelled") => {
            let of = node.path(&["params", "requestId"]).map(|id| id.json.to_string());
            return Ok(Some((of, What::Cancelled)));
        }
        _ if id.is_some() => What::Other,
        _ => return Ok(None),
    };
    Ok(Some((id, what)))
}

fn request(node: &Node<'_>) -> Result<Call, Mistake> {
    let id = node.need("id")?.label()?;
    let params = node.need("params")?;
    let call = call::call(&params)?;
    if call.malformed.is_some() {
        return Err(params.need("arguments")?.wrong("an object"));
    }
    let key = params.path(&KEY).map(|key| key.label()).transpose()?;
    Ok(Call { id, key, ..call })
}

fn answer(node: &Node<'_>) -> Result<Option<What>, Mistake> {
    if node.get("id").is_none() {
        return Ok(None);
    }
    // Both sides number their requests; only what looks like a tool's answer is one.
    Ok(match (node.get("error"), node.get("result")) {
        (Some(error), _) => Some(What::Error(Answer { value: error.json.clone(), is_error: Some(true) })),
        (None, Some(result)) if is_answer(result.json) => {
            let content = result.get("content").map_or(Json::Null, |content| text::answer(content.json));
            let value = result.get("structuredContent").map_or(content, |content| content.json.clone());
            let is_error = result.get("isError").is_some_and(|mark| mark.json == true);
            Some(What::Answer(Answer { value, is_error: Some(is_error) }))
        }
        (None, Some(result)) if result.get("resultType").is_some_and(|kind| kind.json == "input_required") => {
            Some(What::Asks)
        }
        (None, Some(_)) => Some(What::OtherAnswer),
        (None, None) => None,
    })
}

fn is_answer(result: &Json) -> bool {
    // The answer to a request for a model's words has content too, and a role with it; that of a user's form has an object.
    let is_sampling = result.get("role").is_some();
    let has_content = result.get("content").is_some_and(Json::is_array);
    !is_sampling && (has_content || ["structuredContent", "isError"].iter().any(|key| result.get(key).is_some()))
}
