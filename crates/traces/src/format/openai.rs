//! OpenAI's chat messages: a request's `messages`, with the response's `choices` or without, or the bare list.

use super::transcript::Transcript;
use super::{Node, chat, conversation, json_lines, text, usage};
use crate::{Document, Mistake, Step, Trace};
use serde_json::{Value as Json, json};

/// Under which a log puts the request.
const REQUESTS: [&str; 2] = ["request", "body"];

/// Where a log has the answer to a request.
const ANSWERS: [&str; 3] = ["/choices/0/message", "/response/choices/0/message", "/response/body/choices/0/message"];

/// How a choice ends that the model did not bring to its end.
const CUT: [&str; 2] = ["length", "content_filter"];

/// Whether the value is a conversation.
pub fn fits(value: &Json) -> bool {
    let request = REQUESTS.iter().find_map(|key| value.get(key)).unwrap_or(value);
    // A run may have said nothing at all.
    let is_run = |messages: &Json| messages == &json!([]) || chat::is_list(messages);
    chat::is_list(value)
        || request.get("messages").is_some_and(is_run)
        || ANSWERS.iter().any(|place| value.pointer(place).is_some())
}

/// Read one conversation.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let identified = transcript.identify(node, "task_id");
    transcript.note(identified);
    let request = node.first(&REQUESTS).unwrap_or_else(|| node.clone());
    match request.get("messages") {
        Some(messages) => transcript.each(messages.items(), message),
        None if node.json.is_array() => transcript.each(node.items(), message),
        None => {}
    }
    transcript.end(node, "finish_reason", &CUT);
    let response = node.get("response").unwrap_or_else(|| node.clone());
    let response = response.get("body").filter(|_| node.get("response").is_some()).unwrap_or(response);
    let choices = transcript.note(response.list("choices")).unwrap_or_default();
    match choices.as_slice() {
        [] if response.get("choices").is_some() => transcript.trace.unfinished = Some("there is no choice".to_owned()),
        [] => {}
        [first, others @ ..] => {
            let read = choice(&mut transcript, first);
            transcript.note(read);
            // They are other answers to the same request.
            if !others.is_empty() {
                transcript.trace.notes.push(format!("further choices, which are left out: {}", others.len()));
            }
        }
    }
    transcript.fail(&response);
    transcript.fail(node);
    transcript.trace.tokens = tokens(node, &request, &response);
    transcript.finish(document);
}

fn message(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    chat::message(transcript, node)?;
    transcript.end(node, "finish_reason", &CUT);
    Ok(())
}

fn choice(transcript: &mut Transcript, choice: &Node<'_>) -> Result<(), Mistake> {
    chat::message(transcript, &choice.need("message")?)?;
    transcript.end(choice, "finish_reason", &CUT);
    Ok(())
}

/// What stands beside the messages is of the whole run; what stands beside the choices, of the answer to the last request.
fn tokens(node: &Node<'_>, request: &Node<'_>, response: &Node<'_>) -> Option<u64> {
    let is_answered = response.get("choices").is_some();
    if node.get("choices").is_none()
        && let Some(all) = usage::of(node)
    {
        return Some(all);
    }
    let messages = request.get("messages").or_else(|| node.json.is_array().then(|| node.clone()));
    usage::of_turns(usage::turns(messages).chain(is_answered.then(|| response.clone())))
}

/// One conversation a line.
pub fn write(traces: &[Trace]) -> String {
    json_lines(traces.iter().map(|trace| {
        let messages: Vec<Json> = trace.steps().into_iter().flat_map(messages).collect();
        conversation(trace, "messages", messages)
    }))
}

fn messages(step: Step<'_>) -> Vec<Json> {
    let call = match step {
        Step::Message(message) => return vec![json!({"role": chat::role(message.role), "content": message.text})],
        Step::Call(call) => call,
    };
    let written = || Json::from(call.arguments.clone()).to_string();
    let arguments = call.malformed.clone().unwrap_or_else(written);
    let function = json!({"name": call.tool, "arguments": arguments});
    let calls = json!([{"id": call.id, "type": "function", "function": function}]);
    let asked = json!({"role": "assistant", "content": null, "tool_calls": calls});
    let answer = call.answer.as_ref();
    let answered =
        answer.map(|answer| json!({"role": "tool", "tool_call_id": call.id, "content": text::encode(&answer.value)}));
    [asked].into_iter().chain(answered).collect()
}
