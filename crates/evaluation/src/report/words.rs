//! What several forms say alike: numbers, places, values, texts of others.

use crate::model::{Command, Comparison, Finding, Place, Replay, Report, Severity, TaskReport};
use serde_json::Value as Json;
use std::borrow::Cow;

/// "1 call", "2 calls".
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Which trial a trace is, behind its name; nothing where the name says so already.
pub fn trial(replay: &Replay) -> String {
    let trial = replay.trial.filter(|trial| !replay.name.ends_with(&format!("/{trial}")));
    trial.map_or(String::new(), |trial| format!(" #{trial}"))
}

/// What was done.
pub fn command(command: Command) -> &'static str {
    match command {
        Command::Replay => "replay",
        Command::Grade => "grade",
        Command::Lint => "lint",
    }
}

/// How answers compare.
pub fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Ignored => "ignored",
        Comparison::Unrecorded => "unrecorded",
        Comparison::Exact => "exact",
        Comparison::Canonical => "canonical",
        Comparison::Shape => "shape",
        Comparison::Different => "different",
    }
}

/// How bad a finding is.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A place as a person would look for it.
pub fn place(place: &Place) -> String {
    plain(&place.to_string()).into_owned()
}

/// A value as JSON on one line, of at most `most` characters.
pub fn value(value: &Json, most: usize) -> String {
    cut(&plain(&value.to_string()), most)
}

/// The text, or its beginning and a mark that there is more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text of others on one line, in which nothing steers a terminal.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

/// Controls, what ends a line or turns its direction without being one, and what is no character, which XML forbids.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A task, with its gold's file where several tasks of the run have its name.
pub fn task(report: &Report, task: &TaskReport) -> String {
    let alike = report.tasks.iter().filter(|other| other.task == task.task).count();
    let file = if alike > 1 { format!(" ({})", task.gold.file) } else { String::new() };
    plain(&format!("{}{file}", task.task)).into_owned()
}

/// pass^k over all tasks, and over those alone that were tried where some were not.
pub fn pass_hats(report: &Report) -> String {
    let all = pass_hat(&report.pass_hat);
    let untried = report.tasks.iter().filter(|task| task.trials == 0).count();
    if untried == 0 {
        return all;
    }
    let tried = match pass_hat(&report.pass_hat_tried) {
        tried if tried.is_empty() => String::new(),
        tried => format!("; of those tried alone {tried}"),
    };
    let separator = if all.is_empty() { "" } else { " " };
    format!(
        "{all}{separator}({untried} of {} not tried, which counts as not passed{tried})",
        count(report.tasks.len(), "task")
    )
}

/// Gold that is not right, each with what is wrong with it, in the order of the verdicts that rest on it.
pub fn doubts(report: &Report) -> Vec<(&Place, Vec<&Finding>)> {
    let mut doubts: Vec<(&Place, Vec<&Finding>)> = Vec::new();
    for verdict in report.traces.iter().filter_map(|trace| trace.verdict.as_ref()) {
        let known = doubts.iter().any(|(place, _)| **place == verdict.gold);
        if !verdict.gold_findings.is_empty() && !known {
            doubts.push((&verdict.gold, verdict.gold_findings.iter().collect()));
        }
    }
    doubts
}

/// What is wrong with gold, in a sentence.
pub fn doubt(finding: &Finding) -> String {
    let call = finding.call.map_or(String::new(), |call| format!("call {call} "));
    let tool = finding.tool.as_ref().map_or(String::new(), |tool| format!("{tool} "));
    let rule = finding.rule.as_ref().map_or(String::new(), |rule| format!(" (rule {rule})"));
    plain(&format!("{call}{tool}{}: {}{rule}", finding.check, finding.message)).into_owned()
}

/// pass^k, from k = 1.
pub fn pass_hat(values: &[f64]) -> String {
    let each = values.iter().enumerate().map(|(at, value)| format!("pass^{} {value:.3}", at + 1));
    each.collect::<Vec<_>>().join(", ")
}
