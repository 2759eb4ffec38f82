//! Anthropic's messages: a request with `system` and `messages`, with the response or without, or the bare list.

use super::transcript::Transcript;
use super::{Node, call, chat, conversation, json_lines, text, usage};
use crate::{Document, Mistake, Role, Step, Trace};
use serde_json::{Value as Json, json};

/// Under which a log puts the request.
const REQUESTS: [&str; 3] = ["request", "params", "body"];

/// Why a turn ends that the model did not bring to its end.
const CUT: [&str; 4] = ["max_tokens", "refusal", "model_context_window_exceeded", "pause_turn"];

/// Whether the value is a conversation that only Anthropic's API has.
pub fn fits(value: &Json) -> bool {
    let request = REQUESTS.iter().find_map(|key| value.get(key)).unwrap_or(value);
    let messages = request.get("messages").unwrap_or(value);
    let has_schema = request.pointer("/tools/0/input_schema").is_some();
    chat::is_list(messages) && (request.get("system").is_some() || has_schema || uses_tools(messages))
}

fn uses_tools(messages: &Json) -> bool {
    let messages = messages.as_array().into_iter().flatten();
    let mut blocks = messages.filter_map(|message| message.get("content")?.as_array()).flatten();
    let kinds = ["tool_use", "tool_result", "mcp_tool_use", "mcp_tool_result"];
    blocks.any(|block| block.get("type").and_then(Json::as_str).is_some_and(|kind| kinds.contains(&kind)))
}

/// Read one conversation.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let identified = transcript.identify(node, "task_id");
    transcript.note(identified);
    let request = node.first(&REQUESTS).unwrap_or_else(|| node.clone());
    if let Some(system) = request.get("system") {
        let read = content(&mut transcript, Role::System, &system);
        transcript.note(read);
    }
    match request.get("messages") {
        Some(messages) => transcript.each(messages.items(), message),
        None if node.json.is_array() => transcript.each(node.items(), message),
        None => {}
    }
    if let Some(response) = node.get("response") {
        let read = response.get("content").map_or(Ok(()), |answered| content(&mut transcript, Role::Agent, &answered));
        transcript.note(read);
        transcript.end(&response, "stop_reason", &CUT);
        transcript.fail(&response);
    }
    transcript.end(node, "stop_reason", &CUT);
    transcript.fail(node);
    let messages = request.get("messages").or_else(|| node.json.is_array().then(|| node.clone()));
    let turns = || usage::turns(messages).chain(node.get("response"));
    transcript.trace.tokens = usage::of(node).or_else(|| usage::of_turns(turns()));
    transcript.finish(document);
}

fn message(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let role = node.need("role")?;
    let role = match role.text()? {
        "user" => Role::User,
        "assistant" => Role::Agent,
        "system" => Role::System,
        other => {
            let reason = format!("is {other:?}, which is no role; there are user, assistant and system");
            return Err(role.source.mistake(reason));
        }
    };
    if let Some(calls) = node.first(&["tool_calls", "function_call"]) {
        return Err(calls
            .source
            .mistake("is how OpenAI's chat calls tools; Anthropic's messages have blocks of tool_use"));
    }
    if role == Role::Agent {
        transcript.end(node, "stop_reason", &CUT);
    }
    node.get("content").map_or(Ok(()), |node| content(transcript, role, &node))
}

fn content(transcript: &mut Transcript, role: Role, node: &Node<'_>) -> Result<(), Mistake> {
    if let Some(text) = node.json.as_str() {
        transcript.say(role, text);
        return Ok(());
    }
    transcript.each(node.items(), |transcript, block| {
        match block.need("type")?.text()? {
            "text" => transcript.say(role, block.need("text")?.text()?),
            "tool_use" | "mcp_tool_use" => transcript.read_call(block),
            "tool_result" | "mcp_tool_result" => {
                transcript.answer(call::id(block)?.as_deref(), call::answer(block), &block.source)?;
            }
            // Thinking, pictures, and the tools that the API itself runs.
            _ => {}
        }
        Ok(())
    });
    Ok(())
}

/// One conversation a line. The API takes what is said to set the agent up at the beginning only.
pub fn write(traces: &[Trace]) -> String {
    json_lines(traces.iter().map(|trace| {
        let setup: Vec<Json> = (trace.messages.iter())
            .filter(|message| message.role == Role::System)
            .map(|message| json!({"type": "text", "text": message.text}))
            .collect();
        let messages: Vec<Json> = trace.steps().into_iter().flat_map(messages).collect();
        let mut line = conversation(trace, "messages", messages);
        if !setup.is_empty() {
            line["system"] = setup.into();
        }
        line
    }))
}

fn messages(step: Step<'_>) -> Vec<Json> {
    let call = match step {
        Step::Message(message) if message.role == Role::System => return Vec::new(),
        Step::Message(message) => return vec![json!({"role": chat::role(message.role), "content": message.text})],
        Step::Call(call) => call,
    };
    let block = json!({"type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments});
    let asked = json!({"role": "assistant", "content": [block]});
    let answered = call.answer.as_ref().map(|answer| {
        let content = text::encode(&answer.value);
        let mut block = json!({"type": "tool_result", "tool_use_id": call.id, "content": content});
        if let Some(is_error) = answer.is_error {
            block["is_error"] = is_error.into();
        }
        json!({"role": "user", "content": [block]})
    });
    [asked].into_iter().chain(answered).collect()
}
