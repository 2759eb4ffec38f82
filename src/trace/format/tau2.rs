//! tau2-bench: tasks, simulations, and results that hold lists of both.

use super::transcript::Transcript;
use super::{Node, chat, text};
use crate::trace::{Document, Mistake, Step, Trace};
use serde_json::{Value as Json, json};

/// When a simulation began and ended: the format wants to know, and a trace does not.
const NO_TIME: &str = "1970-01-01T00:00:00";

/// Whether the value is a task, a simulation, or results.
pub fn fits(value: &Json) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("evaluation_criteria")
        || has("user_scenario")
        || has("simulations")
        || has("messages") && has("termination_reason")
}

/// Read a task, a simulation, or all of the results.
pub fn read(node: &Node<'_>, document: &mut Document) {
    match (node.get("simulations"), node.get("messages")) {
        (Some(simulations), _) => {
            let tasks = node.list("tasks");
            each(tasks, task, document);
            each(simulations.items(), simulation, document);
        }
        (None, Some(_)) => simulation(node, document),
        (None, None) => task(node, document),
    }
}

fn each(nodes: Result<Vec<Node<'_>>, Mistake>, read: fn(&Node<'_>, &mut Document), document: &mut Document) {
    match nodes {
        Ok(nodes) => nodes.iter().for_each(|node| read(node, document)),
        Err(mistake) => document.mistakes.push(mistake),
    }
}

fn simulation(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = transcript.identify(node, "task_id").and_then(|()| node.label_at("id"));
    if let Some(Some(name)) = transcript.note(read) {
        transcript.trace.name = name;
    }
    transcript.each(node.need("messages").and_then(|messages| messages.items()), chat::message);
    transcript.finish(document);
}

fn task(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = facts(&mut transcript, node);
    let instruction = transcript.note(read).flatten();
    let actions = node.path(&["evaluation_criteria", "actions"]).map_or(Ok(Vec::new()), |actions| actions.items());
    transcript.each(actions, |transcript, action| {
        // What the user does on a device of their own is no call of the agent.
        if action.get("requestor").is_none_or(|requestor| requestor.json != "user") {
            transcript.read_call(action);
        }
        Ok(())
    });
    transcript.finish_task(instruction, None, document);
}

/// Take over what the task is called and wants said; gives its instruction.
fn facts(transcript: &mut Transcript, node: &Node<'_>) -> Result<Option<String>, Mistake> {
    if let Some(id) = node.label_at("id")? {
        transcript.trace.name.clone_from(&id);
        transcript.trace.task = Some(id);
    }
    if let Some(outputs) = node.path(&["evaluation_criteria", "communicate_info"]) {
        transcript.trace.outputs = outputs.items()?.iter().map(Node::plain).collect();
    }
    let Some(instructions) = node.path(&["user_scenario", "instructions"]) else { return node.label_at("ticket") };
    Ok(match instructions.json {
        // Domain, reason, what the user knows: each a text of its own.
        Json::Object(parts) => Some(parts.values().filter_map(Json::as_str).collect::<Vec<_>>().join("\n")),
        _ => Some(instructions.label()?),
    })
}

/// A list of simulations.
pub fn write(traces: &[Trace]) -> String {
    let simulations: Vec<Json> = traces.iter().map(write_one).collect();
    format!("{}\n", Json::Array(simulations))
}

fn write_one(trace: &Trace) -> Json {
    let messages: Vec<Json> = trace.steps().into_iter().flat_map(messages).collect();
    let mut simulation = json!({
        "id": trace.name,
        "task_id": trace.task.as_ref().unwrap_or(&trace.name),
        "start_time": NO_TIME,
        "end_time": NO_TIME,
        "duration": 0.0,
        "termination_reason": "agent_stop",
        "messages": messages,
    });
    if let Some(trial) = trace.trial {
        simulation["trial"] = trial.into();
    }
    simulation
}

fn messages(step: Step<'_>) -> Vec<Json> {
    let call = match step {
        Step::Message(message) => return vec![json!({"role": chat::role(message.role), "content": message.text})],
        Step::Call(call) => call,
    };
    let made = json!({"id": call.id, "name": call.tool, "arguments": call.arguments, "requestor": "assistant"});
    let asked = json!({"role": "assistant", "tool_calls": [made]});
    let answered = call.answer.as_ref().map(|answer| {
        let content = text::encode(&answer.value);
        let mut message = json!({"id": call.id, "role": "tool", "content": content, "requestor": "assistant"});
        if let Some(is_error) = answer.is_error {
            message["error"] = is_error.into();
        }
        message
    });
    [asked].into_iter().chain(answered).collect()
}
