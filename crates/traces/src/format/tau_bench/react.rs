//! Runs of tau-bench's agents that write their calls as texts: an action as JSON at the end of what they say.

use super::super::transcript::Transcript;
use super::super::{Node, call, lenient, text};
use super::RESPOND;
use crate::{Answer, Call, Mistake, Role};
use serde_json::Value as Json;

/// What stands before an action.
const ACTION: &str = "Action:";

/// What the harness puts before an answer when it tells the agent.
const OUTPUT: &str = "API output: ";

/// Whether these messages have their calls as texts.
pub fn is_written(messages: &[Node<'_>]) -> bool {
    let has_calls = messages.iter().any(|message| message.get("tool_calls").is_some());
    !has_calls && messages.iter().any(|message| is(message, "assistant") && action(message).is_some())
}

/// Read them.
pub fn read(transcript: &mut Transcript, messages: Result<Vec<Node<'_>>, Mistake>) {
    transcript.each(messages, |transcript, message| {
        let content = message.get("content").map(|content| text::said(&content)).unwrap_or_default();
        match message.need("role")?.text()? {
            "system" => transcript.say(Role::System, content),
            "assistant" => match action(message) {
                Some((tool, arguments)) if tool == RESPOND => {
                    let said = arguments.get("content").and_then(Json::as_str);
                    transcript.say(Role::Agent, said.unwrap_or_default());
                }
                Some((tool, arguments)) => {
                    let (arguments, malformed) = call::arguments(&Node::new(&arguments, message.source.clone()))?;
                    let call = Call { tool, arguments, malformed, ..Call::default() };
                    transcript.call(call, &message.source);
                }
                // The harness passes on what it finds no action in.
                None => transcript.say(Role::Agent, content.rsplit(ACTION).next().unwrap_or_default().trim()),
            },
            "user" => match content.strip_prefix(OUTPUT) {
                Some(output) if transcript.open(None).is_some() => {
                    let answer = Answer { value: text::decode(output), is_error: None };
                    transcript.answer(None, answer, &message.source)?;
                }
                _ => transcript.say(Role::User, content),
            },
            other => {
                let reason = format!("is by {other:?}; where calls are texts, there are system, user and assistant");
                return Err(message.source.mistake(reason));
            }
        }
        Ok(())
    });
}

fn is(message: &Node<'_>, role: &str) -> bool {
    message.get("role").is_some_and(|it| it.json == role)
}

/// The action at the end of a message: the tool, and what it is given.
fn action(message: &Node<'_>) -> Option<(String, Json)> {
    let (_, action) = message.json.get("content")?.as_str()?.rsplit_once(ACTION)?;
    let (action, _) = lenient::parse(action.trim()).ok()?;
    let tool = action.get("name")?.as_str()?.to_owned();
    Some((tool, action.get("arguments")?.clone()))
}
