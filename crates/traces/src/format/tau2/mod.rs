//! tau2-bench: tasks, simulations, and results that hold lists of both; or results that are a folder.

mod folder;
mod task;
mod ticks;
mod write;

pub use folder::gather;
pub use write::write;

use super::transcript::Transcript;
use super::{Node, chat, extra, header};
use crate::{Document, Item, Mistake, Task};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How a run ends that came to its end. Whatever else ended one, the harness gives it no reward.
const ENDINGS: [&str; 2] = ["agent_stop", "user_stop"];

/// Whether the value is a task, a simulation, or results.
pub fn fits(value: &Json) -> bool {
    is_results(value) || is_run(value) || is_task(value)
}

fn is_results(value: &Json) -> bool {
    let tasks = value.get("tasks").and_then(Json::as_array);
    let is_head = ["info", "simulation_index"].iter().any(|key| value.get(key).is_some());
    value.get("simulations").is_some()
        || is_head && tasks.is_some_and(|tasks| tasks.is_empty() || tasks.iter().any(is_task))
}

/// What says how it ended is a run, whatever it has of one.
fn is_run(value: &Json) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("termination_reason") && (has("messages") || has("ticks") || has("task_id")) || has("ticks") && has("task_id")
}

fn is_task(value: &Json) -> bool {
    value.get("evaluation_criteria").is_some() || value.get("user_scenario").is_some()
}

/// Read a task, a simulation, or all of the results.
pub fn read(node: &Node<'_>, document: &mut Document) {
    if is_results(node.json) {
        let before = document.items.len();
        each(node.list("tasks"), task::read, document);
        folder::index(node, &mut document.items[before..]);
        each(node.list("simulations"), simulation, document);
    } else if is_run(node.json) {
        simulation(node, document);
    } else {
        task::read(node, document);
    }
}

fn each(nodes: Result<Vec<Node<'_>>, Mistake>, read: fn(&Node<'_>, &mut Document), document: &mut Document) {
    match nodes {
        Ok(nodes) => nodes.iter().for_each(|node| read(node, document)),
        Err(mistake) => document.mistakes.push(mistake),
    }
}

/// Trials begin with what their task sets up before the agent's first call.
pub fn set_up(document: &mut Document) {
    let tasks = document.items.iter().filter_map(|item| match item {
        Item::Task(task) if task.setup > 0 => Some((task.gold.task.clone()?, task.clone())),
        _ => None,
    });
    let tasks: BTreeMap<String, Task> = tasks.collect();
    for item in &mut document.items {
        let Item::Trace(trial) = item else { continue };
        if let Some(task) = trial.task.as_ref().and_then(|id| tasks.get(id)) {
            *trial = task.set_up(trial).into_owned();
        }
    }
}

fn simulation(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = facts(&mut transcript, node);
    transcript.note(read);
    match (node.get("messages"), node.get("ticks")) {
        (Some(messages), _) => transcript.each(messages.items(), message),
        (None, Some(ticks)) => ticks::read(&mut transcript, &ticks),
        // It broke off before anything was said.
        (None, None) if transcript.trace.unfinished.is_some() => {}
        (None, None) => {
            transcript.note::<()>(Err(node.source.mistake("has neither messages nor ticks, so it is no run")));
        }
    }
    transcript.finish(document);
}

fn facts(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    transcript.identify(node, "task_id")?;
    if let Some(name) = node.label_at("id")? {
        transcript.trace.name = name;
    }
    let ending = match node.entry("termination_reason") {
        // Its harness had not come to the end when it wrote this.
        Some(reason) if reason.json.is_null() || reason.json == "" => {
            Some(format!("termination_reason is {}", reason.json))
        }
        reason => reason.map(|reason| reason.label()).transpose()?,
    };
    transcript.trace.unfinished = ending.filter(|ending| {
        // Some write the member of the enumeration.
        let word = ending.rsplit('.').next().unwrap_or_default().to_lowercase();
        !ENDINGS.contains(&word.as_str())
    });
    transcript.fail(node);
    match node.path(&["info", extra::KEY]) {
        Some(written) => header::read(&written, &mut transcript.trace),
        None => Ok(()),
    }
}

fn message(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let before = transcript.trace.calls.len();
    chat::message(transcript, node)?;
    // The simulated user is a model, too.
    let usage = node.get("usage").filter(|_| node.get("role").is_some_and(|role| role.json == "assistant"));
    if let Some(spent) = usage.and_then(|usage| usage.sum(&["prompt_tokens", "completion_tokens"])) {
        let before = transcript.trace.tokens.unwrap_or_default();
        transcript.trace.tokens = Some(before.saturating_add(spent));
    }
    extra::read(node.path(&["raw_data", extra::KEY]), &mut transcript.trace, before)
}
