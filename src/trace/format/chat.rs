//! Messages in the manner of OpenAI's chat, which tau-bench, tau2 and Inspect share with small differences.

use super::transcript::Transcript;
use super::{Node, call, text};
use crate::trace::{Mistake, Role};
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

/// Read one message.
pub fn message(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let role = node.need("role")?;
    let said = || node.get("content").map(|content| text::said(&content)).unwrap_or_default();
    match role.text()? {
        "system" | "developer" => transcript.say(Role::System, said()),
        // In tau2 users have tools of their own; their calls are no part of the agent's run.
        "user" => transcript.say(Role::User, said()),
        "assistant" => {
            transcript.say(Role::Agent, said());
            node.list("tool_calls")?.iter().for_each(|call| transcript.read_call(call));
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
    let of_user = node.get("requestor").is_some_and(|requestor| requestor.json == "user");
    if of_user {
        return Ok(());
    }
    // An `id` may be that of the call, as in tau2, or the message's own.
    let is_call = |id: &String| node.get("tool_call_id").is_some() || transcript.open(Some(id)).is_some();
    let id = call::id(node)?.filter(is_call);
    transcript.answer(id.as_deref(), call::answer(node), &node.source)
}
