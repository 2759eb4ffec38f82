//! Messages in the manner of OpenAI's chat, which tau-bench, tau2 and Inspect share with small differences.

use super::transcript::Transcript;
use super::{Node, call, text};
use crate::{Mistake, Role};
use serde_json::Value as Json;

/// The name of a role.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Agent => "assistant",
    }
}

/// Whether the value is a list of messages.
pub fn is_list(value: &Json) -> bool {
    value.as_array().is_some_and(|messages| messages.iter().any(|message| message.get("role").is_some()))
}

/// Whether something is called in the manner of OpenAI in a value's messages.
pub fn calls(value: &Json) -> bool {
    let messages = value.get("messages").unwrap_or(value).as_array();
    messages.into_iter().flatten().any(|message| {
        ["tool_calls", "function_call"].iter().any(|key| message.get(key).is_some_and(|calls| !calls.is_null()))
    })
}

/// Whether a call, or what answers one, is the user's and not the agent's.
pub fn is_of_user(node: &Node<'_>) -> bool {
    node.get("requestor").is_some_and(|requestor| requestor.json == "user")
}

/// What a message says: of one that is a recording, its script.
pub fn said(message: &Node<'_>) -> String {
    let is_audio = message.get("is_audio").is_some_and(|mark| mark.json == &Json::Bool(true));
    let content = message.get(if is_audio { "audio_script_gold" } else { "content" });
    let said = content.map(|content| text::said(&content)).unwrap_or_default();
    match message.get("refusal") {
        Some(refusal) if said.is_empty() => refusal.plain(),
        _ => said,
    }
}

/// Read one message.
pub fn message(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let role = node.need("role")?;
    let said = || said(node);
    node.list("tool_calls")?.iter().filter(|call| is_of_user(call)).for_each(|_| transcript.leave_to_user());
    match role.text()? {
        "system" | "developer" => transcript.say(Role::System, said()),
        // In tau2 users have tools of their own, which the environment of the agent does not have.
        "user" => transcript.say(Role::User, said()),
        "assistant" => {
            transcript.say(Role::Agent, said());
            let calls = node.list("tool_calls")?;
            calls.iter().filter(|call| !is_of_user(call)).for_each(|call| transcript.read_call(call));
            // The form before there were several calls in a message.
            node.get("function_call").iter().for_each(|call| transcript.read_call(call));
        }
        "tool" | "function" => match node.get("tool_messages") {
            // tau2 puts the answers of one turn together.
            Some(answers) => answers.items()?.iter().try_for_each(|node| answer(transcript, node))?,
            None => answer(transcript, node)?,
        },
        other => {
            let reason = format!("is {other:?}, which is no role; there are system, user, assistant and tool");
            return Err(role.source.mistake(reason));
        }
    }
    Ok(())
}

fn answer(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    if is_of_user(node) {
        return Ok(());
    }
    // An `id` may be that of the call, as in tau2, or the message's own.
    let is_call = |id: &String| node.get("tool_call_id").is_some() || transcript.open(Some(id)).is_some();
    let id = call::id(node)?.filter(is_call);
    // Before calls had ids, an answer named its tool.
    let tool = node.get("name").filter(|_| id.is_none());
    if let Some(call) = tool.and_then(|tool| transcript.open_of(tool.json.as_str()?)) {
        call.answer = Some(call::answer(node));
        return Ok(());
    }
    transcript.answer(id.as_deref(), call::answer(node), &node.source)
}
