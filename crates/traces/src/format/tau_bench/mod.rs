//! tau-bench: tasks with their right actions, also wrapped in a run's settings, and results with the messages of a trial.

mod react;

use super::transcript::Transcript;
use super::{Node, advances, chat, extra, text};
use crate::{Answer, Document, Item, Mistake, Role, Source, Task};
use serde_json::Value as Json;

/// The action that is no call of a tool: telling the user something.
const RESPOND: &str = "respond";

/// Whether the value is a task or a result.
pub fn fits(value: &Json) -> bool {
    let task = value.get("task").unwrap_or(value);
    let is_task = task.get("actions").is_some_and(Json::is_array)
        && ["instruction", "user_id", "outputs"].iter().any(|key| task.get(key).is_some());
    value.get("traj").is_some_and(|messages| messages.is_array() || is_crash(value)) || is_task
}

/// Whether the harness wrote an error in place of what the environment says of a run.
fn is_crash(value: &Json) -> bool {
    value.pointer("/info/error").is_some_and(|error| !error.is_null())
}

/// Read one task or result.
pub fn read(node: &Node<'_>, document: &mut Document) {
    if node.entry("traj").is_none() {
        return task(&node.get("task").unwrap_or_else(|| node.clone()), node, false, document);
    }
    if let Some(of) = node.path(&["info", "task"]) {
        task(&of, node, true, document);
    }
    let mut transcript = Transcript::new(&node.source);
    let read = transcript.identify(node, "task_id").and_then(|()| settings(&mut transcript, node));
    transcript.note(read);
    let read = ending(node);
    transcript.trace.unfinished = transcript.note(read).flatten();
    transcript.fail(node);
    let messages = match is_crash(node.json) {
        true => node.list("traj"),
        false => node.need("traj").and_then(|messages| messages.items()),
    };
    if react::is_written(messages.as_deref().unwrap_or_default()) {
        react::read(&mut transcript, messages);
    } else {
        transcript.each(messages, chat::message);
    }
    transcript.finish(document);
}

/// Why a run did not come to its end: it crashed, or the environment was never done with it and so gave no reward.
fn ending(node: &Node<'_>) -> Result<Option<String>, Mistake> {
    let Some(info) = node.get("info") else { return Ok(None) };
    if let Some(error) = info.get("error") {
        return Ok(Some(error.plain()));
    }
    let undone = info.get("task").is_some() && info.entry("reward_info").is_some_and(|reward| reward.json.is_null());
    Ok(undone.then(|| "reward_info is null".to_owned()))
}

/// Read a task; `around` is what it stands in, or itself. Every trial of a task has the task in it, which is read once.
fn task(node: &Node<'_>, around: &Node<'_>, of_trial: bool, document: &mut Document) {
    let mut transcript = Transcript::new(&around.source);
    let read = facts(&mut transcript, node, around);
    let about = transcript.note(read);
    transcript.each(node.need("actions").and_then(|actions| actions.items()), action);
    let trace = &transcript.trace;
    let is_known = document.items.iter().any(|item| match item {
        Item::Task(Task { gold, .. }) => {
            trace.task.is_some()
                && (&gold.task, &gold.calls, &gold.outputs, &gold.advances)
                    == (&trace.task, &trace.calls, &trace.outputs, &trace.advances)
        }
        Item::Trace(_) => false,
    });
    if !of_trial || !is_known {
        let (instruction, user) = about.unwrap_or_default();
        transcript.finish_task(Task { instruction, user, ..Task::default() }, document);
    }
}

/// Whose task it is: instruction and user.
type About = (Option<String>, Option<String>);

fn facts(transcript: &mut Transcript, node: &Node<'_>, around: &Node<'_>) -> Result<About, Mistake> {
    settings(transcript, around)?;
    if let Some(id) = around.first(&["task_id", "id"]).or_else(|| node.first(&["task_id", "id"])) {
        transcript.trace.name = id.label()?;
        transcript.trace.task = Some(id.label()?);
    }
    // Some files say `output`.
    let outputs = if node.get("outputs").is_some() { "outputs" } else { "output" };
    transcript.trace.outputs = node.list(outputs)?.iter().map(Node::output).collect::<Result<_, _>>()?;
    // The format has no place for moves of the clock.
    if let Some(extra) = node.get(extra::KEY) {
        transcript.trace.advances = advances::read(&extra)?;
    }
    Ok((node.label_at("instruction")?, node.label_at("user_id")?))
}

fn settings(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    transcript.trace.settings.environment = node.label_at("env")?;
    transcript.trace.settings.interface = node.label_at("interface_num")?;
    Ok(())
}

fn action(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    if node.get("name").is_some_and(|name| name.json == RESPOND) {
        let said = ["kwargs", "arguments"].iter().find_map(|arguments| node.path(&[arguments, "content"]));
        transcript.say(Role::Agent, said.map_or(Ok(""), |said| said.text())?);
        return Ok(());
    }
    transcript.read_call(node);
    match node.get("output") {
        Some(output) => answer(transcript, output.json, &node.source),
        None => Ok(()),
    }
}

/// An output is written as JSON, or as the text of it; a plain text stays one.
fn answer(transcript: &mut Transcript, output: &Json, source: &Source) -> Result<(), Mistake> {
    let decoded = output.as_str().map(text::decode).filter(|value| value.is_object() || value.is_array());
    let value = decoded.unwrap_or_else(|| output.clone());
    match transcript.trace.calls.last_mut() {
        Some(call) => call.answer = Some(Answer { value, is_error: None }),
        None => return Err(source.mistake("has an output, but is no call")),
    }
    Ok(())
}
