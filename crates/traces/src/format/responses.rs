//! Items of OpenAI's Responses API: `input`, `output`, both, or the bare list; and NeMo Gym's rows of them.

use super::transcript::Transcript;
use super::{Node, call, chat, conversation, json_lines, text, usage};
use crate::{Answer, Document, Mistake, Role, Step, Task, Trace};
use serde_json::{Value as Json, json};

/// Where lists of items are found, in the order in which they happened.
const LISTS: [&[&str]; 6] = [
    &["responses_create_params", "input"],
    &["request", "input"],
    &["input"],
    &["output"],
    &["response", "output"],
    &["items"],
];

/// How a response ends that the model did not bring to its end.
const CUT: [&str; 5] = ["incomplete", "failed", "cancelled", "in_progress", "queued"];

/// Whether the value holds items.
pub fn fits(value: &Json) -> bool {
    let lists = LISTS.iter().filter_map(|path| path.iter().try_fold(value, |value, key| value.get(key)));
    // A bare list of messages is as well OpenAI's chat, so only calls tell.
    is_list(value, &["function_call", "function_call_output", "mcp_call"])
        || value.get("responses_create_params").is_some()
        // A run may have said nothing at all.
        || value.get("input") == Some(&json!([]))
        || lists.into_iter().any(|list| {
            is_list(list, &["message", "function_call", "function_call_output", "mcp_call"]) || chat::is_list(list)
        })
}

fn is_list(value: &Json, types: &[&str]) -> bool {
    let is_item = |item: &Json| item.get("type").and_then(Json::as_str).is_some_and(|kind| types.contains(&kind));
    value.as_array().is_some_and(|items| items.iter().any(is_item))
}

/// Read one row.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let task = if node.get("ground_truth").is_some() { "id" } else { "task_id" };
    let identified = transcript.identify(node, task);
    transcript.note(identified);
    if node.json.is_array() {
        transcript.each(node.items(), item);
    }
    for list in LISTS.iter().filter_map(|path| node.path(path)) {
        match list.json {
            Json::String(text) => transcript.say(Role::User, text),
            _ => transcript.each(list.items(), item),
        }
    }
    for response in [node.get("response"), Some(node.clone())].into_iter().flatten() {
        let details = response.path(&["incomplete_details", "reason"]).map(|reason| reason.plain());
        transcript.end(&response, "status", &CUT);
        if let (Some(why), Some(details)) = (&mut transcript.trace.unfinished, details) {
            *why = format!("{why}: {details}");
        }
        transcript.fail(&response);
    }
    transcript.trace.tokens = tokens(node);
    if let Some(truth) = node.get("ground_truth") {
        gold(&transcript.trace, &truth, document);
    }
    transcript.finish(document);
}

/// What stands beside an `output` is of the answer that it is, and so of the whole run where the input has no earlier answer.
fn tokens(node: &Node<'_>) -> Option<u64> {
    let answers = [node.get("response"), node.get("output").map(|_| node.clone())];
    if node.get("output").is_none()
        && let Some(all) = usage::of(node)
    {
        return Some(all);
    }
    let inputs = LISTS.iter().filter(|path| !path.contains(&"output")).filter_map(|path| node.path(path));
    let mut items = inputs.filter_map(|input| input.json.as_array()).flatten();
    let is_answer = |item: &Json| {
        let is = |key: &str, name: &str| item.get(key).is_some_and(|value| value == name);
        is("role", "assistant") || MADE.iter().any(|kind| is("type", kind))
    };
    if items.any(is_answer) { None } else { usage::of_turns(answers.into_iter().flatten()) }
}

/// Items that a model made.
const MADE: [&str; 4] = ["function_call", "custom_tool_call", "mcp_call", "reasoning"];

/// The task of a row with its right calls.
fn gold(run: &Trace, truth: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&run.source);
    transcript.trace.task = run.task.clone();
    transcript.each(truth.items(), |transcript, node| {
        transcript.read_call(node);
        Ok(())
    });
    let asked = run.messages.iter().find(|message| message.role == Role::User);
    let instruction = asked.map(|message| message.text.clone());
    transcript.finish_task(Task { instruction, ..Task::default() }, document);
}

fn item(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let kind = node.get("type").map_or(Ok("message"), |kind| kind.text())?;
    match kind {
        "message" => chat::message(transcript, node)?,
        // A custom tool takes a text, which is kept as malformed arguments.
        "function_call" | "custom_tool_call" => transcript.read_call(node),
        "function_call_output" | "custom_tool_call_output" => {
            transcript.answer(call::id(node)?.as_deref(), call::answer(node), &node.source)?;
        }
        // Call and answer in one; an error takes the output's place.
        "mcp_call" => {
            transcript.read_call(node);
            let is_error = Some(node.get("error").is_some());
            if let Some(output) = node.first(&["error", "output"]) {
                let answer = Answer { value: text::answer(output.json), is_error };
                transcript.answer(call::id(node)?.as_deref(), answer, &node.source)?;
            }
        }
        // Reasoning and the API's own tools are no calls of ours.
        _ => {}
    }
    Ok(())
}

/// One run a line, as the `input` that another request would go on from.
pub fn write(traces: &[Trace]) -> String {
    json_lines(traces.iter().map(|trace| {
        let items: Vec<Json> = trace.steps().into_iter().flat_map(items).collect();
        conversation(trace, "input", items)
    }))
}

fn items(step: Step<'_>) -> Vec<Json> {
    let call = match step {
        Step::Message(message) => {
            return vec![json!({"type": "message", "role": chat::role(message.role), "content": message.text})];
        }
        Step::Call(call) => call,
    };
    let written = || Json::from(call.arguments.clone()).to_string();
    let arguments = call.malformed.clone().unwrap_or_else(written);
    let asked = json!({"type": "function_call", "call_id": call.id, "name": call.tool, "arguments": arguments});
    let answer = call.answer.as_ref();
    let answered = answer.map(
        |answer| json!({"type": "function_call_output", "call_id": call.id, "output": text::encode(&answer.value)}),
    );
    [asked].into_iter().chain(answered).collect()
}
