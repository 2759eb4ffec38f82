//! What several forms say alike: numbers, places, values, texts of others.

use crate::evaluation::model::{Command, Comparison, Place, Replay, Severity};
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
    let line = place.line.map_or(String::new(), |line| format!(":{line}"));
    let pointer = if place.pointer.is_empty() { String::new() } else { format!(" {}", place.pointer) };
    plain(&format!("{}{line}{pointer}", place.file)).into_owned()
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

/// Controls, and what ends a line or turns its direction without being one.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// pass^k, from k = 1.
pub fn pass_hat(values: &[f64]) -> String {
    let each = values.iter().enumerate().map(|(at, value)| format!("pass^{} {value:.3}", at + 1));
    each.collect::<Vec<_>>().join(", ")
}
