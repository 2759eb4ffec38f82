//! Logs of MCP's JSON-RPC messages: bare, or each in a wrapper that says when, where and in which direction.

use super::lines::{Line, is_meant, is_rpc};
use super::node::{Node, escape};
use super::transcript::Transcript;
use super::{call, text};
use crate::trace::{Answer, Call, Document, Mistake, Source};
use serde_json::Value as Json;
use std::borrow::Cow;

/// How deep a wrapper may hide its message; loggers use one or two levels.
const DEPTH: usize = 3;

/// By which wrappers tell connections apart.
const SESSIONS: [&str; 6] = ["session", "session_id", "sessionId", "connection", "connection_id", "server"];

/// Where a call carries its idempotency key.
const KEY: [&str; 2] = ["_meta", "idempotencyKey"];

/// Whether the value is a message, or wraps one.
pub fn fits(value: &Json) -> bool {
    message(value, String::new(), DEPTH).is_some()
}

/// The JSON-RPC message in a value, and where in it. In a text, places go on within its JSON.
fn message(value: &Json, pointer: String, depth: usize) -> Option<(Cow<'_, Json>, String)> {
    match value {
        Json::Object(_) if value.get("jsonrpc").is_some() => Some((Cow::Borrowed(value), pointer)),
        Json::Object(entries) if depth > 0 => {
            entries.iter().find_map(|(key, entry)| message(entry, format!("{pointer}/{}", escape(key)), depth - 1))
        }
        Json::String(text) if is_rpc(text) => match serde_json::from_str::<Json>(text) {
            Ok(value) if value.get("jsonrpc").is_some() => Some((Cow::Owned(value), pointer)),
            _ => None,
        },
        _ => None,
    }
}

/// Read the calls of all connections, each of which is a trace.
pub fn read(lines: &[Line<'_>], document: &mut Document) {
    let mut open: Vec<(Option<String>, Transcript)> = Vec::new();
    for line in lines {
        let node = match line {
            Line::Value(node) => node,
            // Programs print other things into a log.
            Line::Broken { text, .. } if !is_meant(text) => continue,
            // A recorder that was cut short loses its last line; what it wrote before still happened.
            Line::Broken { mistake, last: true, .. } => {
                document.mistakes.push(mistake.clone());
                continue;
            }
            // It may be of any connection.
            Line::Broken { mistake, .. } => {
                document.mistakes.push(mistake.clone());
                open.iter_mut().for_each(|(_, transcript)| transcript.spoil());
                continue;
            }
        };
        let Some((message, pointer)) = message(node.json, node.source.pointer.clone(), DEPTH) else { continue };
        let session = session(node.json);
        let message = Node::new(&message, Source { pointer, ..node.source.clone() });
        let at = open.iter().position(|(other, _)| *other == session).unwrap_or_else(|| {
            open.push((session, Transcript::new(&node.source)));
            open.len() - 1
        });
        let Some((_, transcript)) = open.get_mut(at) else { continue };
        let method = message.get("method");
        if method.as_ref().is_some_and(|method| method.json == "initialize") && !transcript.trace.calls.is_empty() {
            std::mem::replace(transcript, Transcript::new(&node.source)).finish(document);
        }
        let read = match method {
            Some(method) if method.json == "tools/call" => request(transcript, &message),
            Some(_) => Ok(()),
            None => response(transcript, &message),
        };
        transcript.note(read);
    }
    // Connections on which nothing was called are of no use to anyone.
    let called = open.into_iter().map(|(_, transcript)| transcript).filter(Transcript::is_begun);
    called.for_each(|transcript| transcript.finish(document));
}

/// What a wrapper calls the connection.
fn session(wrapper: &Json) -> Option<String> {
    let wrappers = [Some(wrapper), wrapper.get("_meta")];
    let mut names = wrappers.into_iter().flatten().flat_map(|wrapper| SESSIONS.map(|key| wrapper.get(key)));
    names.find_map(|name| name?.as_str().map(str::to_owned))
}

fn request(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let id = node.need("id")?.label()?;
    let params = node.need("params")?;
    let call = call::call(&params).and_then(|call| {
        let key = params.path(&KEY).map(|key| key.label()).transpose()?;
        Ok(Call { id: id.clone(), key, ..call })
    });
    // One that cannot be read still counts, so that its answer finds it.
    let call = transcript.note(call).unwrap_or(Call { id, ..Call::default() });
    transcript.call(call, &node.source);
    Ok(())
}

fn response(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let Some(id) = node.label_at("id")? else { return Ok(()) };
    // Both sides number their requests; only what looks like a tool's answer is one.
    let answer = match (node.get("error"), node.get("result")) {
        (Some(error), _) => Answer { value: error.json.clone(), is_error: Some(true) },
        (None, Some(result)) if is_answer(result.json) => {
            let content = result.get("content").map_or(Json::Null, |content| text::answer(content.json));
            let value = result.get("structuredContent").map_or(content, |content| content.json.clone());
            let is_error = result.get("isError").is_some_and(|mark| mark.json == true);
            Answer { value, is_error: Some(is_error) }
        }
        _ => return Ok(()),
    };
    match (answer.is_error, transcript.open(Some(&id))) {
        (_, Some(call)) => call.answer = Some(answer),
        // An error may answer any request; a resource's contents or a prompt look otherwise.
        (Some(true), None) if node.get("error").is_some() => {}
        _ => return Err(node.source.mistake(format!("answers the call {id:?}, which was not made before"))),
    }
    Ok(())
}

fn is_answer(result: &Json) -> bool {
    // The answer to a request for a model's words has content too, and a role with it.
    let is_sampling = result.get("role").is_some();
    !is_sampling && ["content", "structuredContent", "isError"].iter().any(|key| result.get(key).is_some())
}
