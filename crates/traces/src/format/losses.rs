//! What a format does not keep: a trace is written in it, read again, and compared.

use super::{Format, read_as, write};
use crate::{Call, Item, Trace, Verdict};

/// What would be lost of an item if it were written in that format, in the order in which traces have it.
pub fn losses(format: Format, item: &Item) -> Vec<&'static str> {
    let mut lost = Vec::new();
    if let Item::Task(task) = item {
        let parts = [
            (true, "that it is a task"),
            (task.instruction.is_some(), "instructions"),
            (task.user.is_some(), "the user of a task"),
            (task.setup > 0, "which calls set the environment up"),
        ];
        lost.extend(parts.into_iter().filter(|(is_there, _)| *is_there).map(|(_, part)| part));
    }
    match again(format, item.trace()) {
        Some(read) => lost.extend(differences(item.trace(), &read)),
        None => lost.push("all, since it is not read again"),
    }
    lost
}

/// The trace as it is read after it was written.
fn again(format: Format, trace: &Trace) -> Option<Trace> {
    let text = write(format, std::slice::from_ref(trace))?;
    let mut document = read_as(Some(format), &text, "").ok()?;
    match (document.items.pop(), document.items.is_empty(), document.mistakes.is_empty()) {
        (Some(Item::Trace(read)), true, true) if read.calls.len() == trace.calls.len() => Some(read),
        _ => None,
    }
}

fn differences(trace: &Trace, read: &Trace) -> Vec<&'static str> {
    let said =
        |trace: &Trace| trace.messages.iter().map(|message| (message.role, message.text.clone())).collect::<Vec<_>>();
    let calls = |same: fn(&Call, &Call) -> bool| trace.calls.iter().zip(&read.calls).all(|(a, b)| same(a, b));
    let verdicts = |same: fn(&Verdict, &Verdict) -> bool| {
        trace.calls.iter().zip(&read.calls).all(|(a, b)| match (&a.verdict, &b.verdict) {
            (Some(a), Some(b)) => same(a, b),
            (Some(a), None) => same(a, &Verdict::default()),
            (None, _) => true,
        })
    };
    let parts = [
        (trace.name == read.name, "names"),
        (trace.task == read.task, "tasks"),
        (trace.trial == read.trial, "trials"),
        (trace.settings == read.settings, "settings"),
        (trace.actor == read.actor, "acting users"),
        (trace.skills == read.skills, "skills that were read"),
        (trace.outputs == read.outputs, "required outputs"),
        (trace.unfinished == read.unfinished, "why a run is unfinished"),
        (trace.tokens == read.tokens, "tokens"),
        (trace.notes == read.notes, "notes"),
        (said(trace) == said(read), "what was said"),
        (trace.messages == read.messages || said(trace) != said(read), "where it was said"),
        (trace.advances == read.advances, "moves of the clock"),
        (calls(|a, b| a.id == b.id), "ids of calls"),
        (calls(|a, b| a.tool == b.tool), "tools"),
        (calls(|a, b| a.arguments == b.arguments), "arguments"),
        (calls(|a, b| a.malformed == b.malformed), "arguments that are no JSON object"),
        (calls(|a, b| a.answer.as_ref().map(|it| &it.value) == b.answer.as_ref().map(|it| &it.value)), "answers"),
        (
            calls(|a, b| a.answer.as_ref().map(|it| it.is_error) == b.answer.as_ref().map(|it| it.is_error)),
            "marks of errors",
        ),
        (calls(|a, b| a.key == b.key), "idempotency keys"),
        (calls(|a, b| a.actor == b.actor), "acting users of calls"),
        (calls(|a, b| a.now == b.now), "times of calls"),
        (calls(|a, b| a.edition == b.edition), "editions that judged calls"),
        (verdicts(|a, b| a.outcome == b.outcome), "outcomes"),
        (verdicts(|a, b| a.rule == b.rule), "rules"),
        (verdicts(|a, b| a.violations == b.violations), "violations"),
        (verdicts(|a, b| a.changes == b.changes), "changes"),
    ];
    parts.into_iter().filter(|(kept, _)| !kept).map(|(_, part)| part).collect()
}
