//! Calls that Inspect did not run itself, of an agent in a sandbox say: no event tells of them, but those of the model have
//! what it asked for, and what it was told next.

use super::super::{Node, call};
use super::events::{Event, is_refused};
use crate::{Answer, Mistake};
use std::collections::BTreeMap;

/// The calls that models asked for and were answered, in order. Without an answer nobody knows whether one ran.
pub fn read(sample: &Node<'_>) -> Result<Vec<Event>, Mistake> {
    let events = sample.list("events")?;
    let models: Vec<&Node<'_>> = events.iter().filter(|event| is_model(event)).collect();
    let mut answers = BTreeMap::new();
    // What models were told stands with each event, or once for all.
    let pool = sample.get("events_data").map_or(Ok(Vec::new()), |pool| pool.list("messages"))?;
    pool.iter().try_for_each(|message| told(message, &mut answers))?;
    for model in &models {
        model.list("input")?.iter().try_for_each(|message| told(message, &mut answers))?;
    }
    let mut calls: Vec<Event> = Vec::new();
    for model in models {
        let choices = model.path(&["output", "choices"]).map_or(Ok(Vec::new()), |choices| choices.items())?;
        let asked = choices.first().and_then(|choice| choice.get("message"));
        for node in asked.map_or(Ok(Vec::new()), |message| message.list("tool_calls"))? {
            let mut call = call::call(&node)?;
            let Some((answer, ran)) = answers.get(&call.id).cloned() else { continue };
            call.answer = Some(answer);
            if calls.iter().all(|known| known.call != call) {
                calls.push(Event { call, source: node.source.clone(), ran });
            }
        }
    }
    Ok(calls)
}

fn is_model(event: &Node<'_>) -> bool {
    event.get("event").is_some_and(|kind| kind.json == "model")
}

/// Keep the first answer to a call, and whether it was let through.
fn told(message: &Node<'_>, answers: &mut BTreeMap<String, (Answer, bool)>) -> Result<(), Mistake> {
    let is_answer = message.get("role").is_some_and(|role| role.json == "tool");
    let id = if is_answer { call::id(message)? } else { None };
    if let Some(id) = id {
        let ran = !is_refused(message.get("error").as_ref());
        answers.entry(id).or_insert_with(|| (call::answer(message), ran));
    }
    Ok(())
}
