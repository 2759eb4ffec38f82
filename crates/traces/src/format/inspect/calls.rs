//! The calls of a sample, from its messages and its events. Agents forget messages, and subagents have their own; events
//! tell all that ran, but little of what was said.

use super::super::transcript::Transcript;
use super::super::{Node, call, chat, text};
use super::events::{self, Event, Events};
use crate::{Answer, Call, Mistake, Role, Source, Trace};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A call where it belongs, and the number of it in the messages, where these have it.
struct Placed {
    call: Call,
    source: Source,
    told: Option<usize>,
    ran: bool,
}

/// Read messages and events into one order.
pub fn read(transcript: &mut Transcript, sample: &Node<'_>, events: Events) {
    let mut refused = BTreeSet::new();
    let ran: BTreeSet<String> = events.calls.iter().map(|event| event.call.id.clone()).collect();
    let messages = sample.list("messages");
    let is_silent = messages.as_ref().is_ok_and(Vec::is_empty);
    for node in transcript.note(messages).into_iter().flatten() {
        // An answer may be left whose call was trimmed away; the events have both.
        let id = if is_answer(&node) { call::id(&node).ok().flatten() } else { None };
        if id.is_none_or(|id| transcript.open(Some(&id)).is_some() || !ran.contains(&id)) {
            let read = message(transcript, &node, &mut refused);
            transcript.note(read);
        }
    }
    match merge(&mut transcript.trace, events.calls, &refused) {
        Ok(()) => {}
        Err(reason) => drop(transcript.note::<()>(Err(sample.source.mistake(reason)))),
    }
    // Without messages, the last that was said is what the sample came to.
    let output = sample.path(&["output", "choices"]).and_then(|choices| choices.items().ok()?.into_iter().next());
    if let Some(said) = output.and_then(|choice| choice.path(&["message", "content"])).filter(|_| is_silent) {
        transcript.say(Role::Agent, text::said(&said));
    }
}

fn is_answer(message: &Node<'_>) -> bool {
    message.get("role").is_some_and(|role| role.json == "tool")
}

fn message(transcript: &mut Transcript, node: &Node<'_>, refused: &mut BTreeSet<usize>) -> Result<(), Mistake> {
    // Calls that the provider of the model made by itself stand among what is said.
    let blocks = node.get("content").filter(|content| content.json.is_array()).map(|content| content.items());
    for block in blocks.transpose()?.into_iter().flatten() {
        let is = |key: &str, word: &str| block.get(key).is_some_and(|value| value.json == word);
        if is("type", "tool_use") && is("tool_type", "mcp_call") {
            let mut made = call::call(&block)?;
            let error = block.get("error");
            let result = error.as_ref().or(block.get("result").as_ref()).map(|result| text::answer(result.json));
            made.answer = result.map(|value| Answer { value, is_error: Some(error.is_some()) });
            transcript.call(made, &block.source);
        }
    }
    chat::message(transcript, node)?;
    let error = node.get("error");
    if is_answer(node) {
        let id = call::id(node)?;
        let calls = &mut transcript.trace.calls;
        let at = calls.iter().rposition(|call| call.answer.is_some() && id.as_ref().is_none_or(|id| call.id == *id));
        if let Some(at) = at {
            if events::is_refused(error.as_ref()) {
                refused.insert(at);
            }
            let is_parsing = |error: &Node<'_>| error.get("type").is_some_and(|kind| kind.json == "parsing");
            if let Some(error) = error.filter(is_parsing) {
                let reason = error.get("message").unwrap_or(error).plain();
                calls[at].malformed.get_or_insert(reason);
            }
        }
    }
    Ok(())
}

/// Put the calls of the messages and those of the events into one order, that of the events.
fn merge(trace: &mut Trace, events: Vec<Event>, refused: &BTreeSet<usize>) -> Result<(), String> {
    let told: Vec<(Call, Source)> =
        std::mem::take(&mut trace.calls).into_iter().zip(std::mem::take(&mut trace.places)).collect();
    let mut open = BTreeMap::<String, VecDeque<usize>>::new();
    for (at, (call, _)) in told.iter().enumerate() {
        open.entry(call.id.clone()).or_default().push_back(at);
    }
    let of_event: Vec<Option<usize>> =
        events.iter().map(|event| open.get_mut(&event.call.id).and_then(VecDeque::pop_front)).collect();
    let matched: BTreeMap<usize, usize> =
        of_event.iter().enumerate().filter_map(|(event, told)| Some(((*told)?, event))).collect();
    if matched.is_empty() && !told.is_empty() && !events.is_empty() {
        return Err(
            "messages and events have calls, but none in common: in which order they were made is not known".to_owned()
        );
    }
    // What only the messages have stands after the call before it, and at the beginning before the one after it.
    let mut order: Vec<(usize, usize, Option<usize>)> =
        of_event.iter().enumerate().map(|(event, told)| (2 * event + 1, 0, *told)).collect();
    let first = matched.values().next().copied().unwrap_or_default();
    let mut place = 2 * first;
    for at in 0..told.len() {
        match matched.get(&at) {
            Some(event) => place = 2 * event + 2,
            None => order.push((place, at + 1, Some(at))),
        }
    }
    order.sort_unstable_by_key(|(place, number, _)| (*place, *number));
    let (mut told, mut events) = (told.into_iter().map(Some).collect::<Vec<_>>(), events.into_iter());
    let (mut forgotten, mut other) = (0, 0);
    let mut placed = Vec::with_capacity(order.len());
    for (place, _, at) in order {
        let said = at.and_then(|at| told[at].take());
        let event = if place % 2 == 1 { events.next() } else { None };
        let ran = !at.is_some_and(|at| refused.contains(&at)) && event.as_ref().is_none_or(|event| event.ran);
        let (call, source) = match (said, event) {
            (Some((said, source)), Some(event)) => {
                other += usize::from(said.malformed.is_none() && said.arguments != event.call.arguments);
                let answer = said.answer.or(event.call.answer);
                let malformed = said.malformed.or(event.call.malformed);
                (Call { answer, malformed, ..event.call }, source)
            }
            (None, Some(event)) => {
                forgotten += usize::from(ran);
                (event.call, event.source)
            }
            (Some(said), None) => said,
            (None, None) => continue,
        };
        placed.push(Placed { call, source, told: at, ran });
    }
    let held_back = placed.iter().filter(|placed| !placed.ran).count();
    let notes = [
        (forgotten, "calls that only the events have, trimmed from the messages or made by a subagent"),
        (other, "calls whose arguments differ in messages and events, taken from the events"),
        (held_back, "calls that were not approved and did not run, which are left out"),
    ];
    let said = notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}"));
    trace.notes.extend(said);
    settle(trace, placed);
    Ok(())
}

/// Take over the calls that ran, and say of each message how many of them came before it.
fn settle(trace: &mut Trace, placed: Vec<Placed>) {
    // By the number that a call has in the messages: how many calls there are before it.
    let mut before = BTreeMap::new();
    for Placed { call, source, told, ran } in placed {
        if let Some(told) = told {
            before.insert(told, (trace.calls.len(), usize::from(ran)));
        }
        if ran {
            trace.calls.push(call);
            trace.places.push(source);
        }
    }
    let mut least = 0;
    for message in &mut trace.messages {
        let last = message.after.checked_sub(1).and_then(|last| before.get(&last)).map_or(0, |(at, own)| at + own);
        // What the agent says belongs to what it does next; what it is told, to what came before.
        let next = before.get(&message.after).map_or(trace.calls.len(), |(at, _)| *at);
        least = least.max(if message.role == Role::Agent { next } else { last });
        message.after = least;
    }
}
