//! A task of tau2-bench: what the environment is like before the agent's first call, and what is held to be right.

use super::super::transcript::Transcript;
use super::super::{Node, advances, call, chat, extra};
use crate::{Call, Document, Mistake, Task};
use serde_json::Value as Json;

/// The part of the reward that asks for the state of the environment.
const STATE: &str = "DB";

/// The part of the reward that asks for what the agent told its user.
const TOLD: &str = "COMMUNICATE";

/// Read one task.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = facts(&mut transcript, node);
    let instruction = transcript.note(read).flatten();
    let read = initial_state(&mut transcript, node);
    let setup = transcript.note(read).unwrap_or_default();
    let criteria = node.need("evaluation_criteria").map_err(|mistake| match node.json {
        // Without any, whatever leaves the state alone would be right.
        Json::Object(_) => node.source.mistake("has no evaluation_criteria: nothing is held to be right"),
        _ => mistake,
    });
    if let Some(criteria) = transcript.note(criteria) {
        let read = basis(&mut transcript, &criteria);
        transcript.note(read);
        transcript.each(criteria.list("actions"), |transcript, action| {
            // What the user does on a device of their own is no call of the agent.
            match chat::is_of_user(action) {
                true => transcript.leave_to_user(),
                false => transcript.read_call(action),
            }
            Ok(())
        });
    }
    let read = script(&mut transcript, node, setup);
    transcript.note(read);
    transcript.finish_task(Task { instruction, setup, ..Task::default() }, document);
}

/// Take over what the task is called; gives its instruction.
fn facts(transcript: &mut Transcript, node: &Node<'_>) -> Result<Option<String>, Mistake> {
    if let Some(id) = node.label_at("id")? {
        transcript.trace.name.clone_from(&id);
        transcript.trace.task = Some(id);
    }
    let Some(instructions) = node.path(&["user_scenario", "instructions"]) else { return node.label_at("ticket") };
    Ok(match instructions.json {
        // Domain, reason, what the user knows: each a text of its own.
        Json::Object(parts) => Some(parts.values().filter_map(Json::as_str).collect::<Vec<_>>().join("\n")),
        _ => Some(instructions.label()?),
    })
}

/// What comes before the agent's first call: calls that set the environment up, whose number it gives, and the
/// conversation that the run goes on from.
fn initial_state(transcript: &mut Transcript, node: &Node<'_>) -> Result<usize, Mistake> {
    let Some(state) = node.get("initial_state") else { return Ok(0) };
    for data in ["agent_data", "user_data"] {
        let given = state.path(&["initialization_data", data]);
        if let Some(given) = given.filter(|given| given.json.as_object().is_none_or(|data| !data.is_empty())) {
            let reason = "changes records before the run begins, which is not supported: the task is left out";
            return Err(given.source.mistake(reason));
        }
    }
    transcript.each(state.list("initialization_actions"), |transcript, action| {
        if action.need("env_type")?.text()? == "user" {
            let reason = "is done in the environment of the user, which is not there: the task is left out";
            return Err(action.source.mistake(reason));
        }
        let tool = action.need("func_name")?.text()?.to_owned();
        let (arguments, malformed) =
            action.get("arguments").map_or(Ok(Default::default()), |it| call::arguments(&it))?;
        transcript.call(Call { tool, arguments, malformed, ..Call::default() }, &action.source);
        Ok(())
    });
    let setup = transcript.trace.calls.len();
    transcript.each(state.list("message_history"), chat::message);
    let history = transcript.trace.calls.len() - setup;
    let notes = &mut transcript.trace.notes;
    if setup > 0 {
        notes.push(format!(
            "initial_state: calls made before the run to set the environment up, here the first: {setup}"
        ));
    }
    if history > 0 {
        notes.push(format!(
            "initial_state: calls of the conversation that runs go on from, before the right ones: {history}"
        ));
    }
    Ok(setup)
}

/// Where the clock is moved, which the format has no place for. The calls that set the environment up are not counted.
fn script(transcript: &mut Transcript, node: &Node<'_>, setup: usize) -> Result<(), Mistake> {
    if let Some(extra) = node.get(extra::KEY) {
        transcript.trace.advances = advances::read(&extra)?;
        let after = transcript.trace.advances.iter_mut().filter_map(|advance| advance.after.as_mut());
        after.for_each(|after| *after = after.saturating_add(setup));
    }
    Ok(())
}

/// What the task is judged by.
fn basis(transcript: &mut Transcript, criteria: &Node<'_>) -> Result<(), Mistake> {
    let outputs = criteria.list("communicate_info")?;
    transcript.trace.outputs = outputs.iter().map(Node::output).collect::<Result<_, _>>()?;
    let basis = criteria.list("reward_basis")?.iter().map(Node::label).collect::<Result<Vec<_>, _>>()?;
    if basis.is_empty() {
        return Ok(());
    }
    let asks = |part: &str| basis.iter().any(|it| it == part);
    let mut notes = Vec::new();
    if !asks(TOLD) && !outputs.is_empty() {
        transcript.trace.outputs.clear();
        notes.push("reward_basis does not ask for what is communicated, so no output is required".to_owned());
    }
    if !asks(STATE) {
        notes.push("reward_basis does not ask for the state of the environment, which is compared here".to_owned());
    }
    for part in basis.iter().filter(|part| ![STATE, TOLD].contains(&part.as_str())) {
        notes.push(format!("reward_basis asks for {part}, which is not judged here"));
    }
    transcript.trace.notes.append(&mut notes);
    Ok(())
}
