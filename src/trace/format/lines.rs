//! A file as its JSON values: the whole as one, or one a line.

use super::{Node, lenient};
use crate::trace::{Mistake, Source};
use serde_json::Value as Json;
use std::sync::Arc;

/// A value as it stands in the text, or why there is none.
pub struct Parsed<'a> {
    source: Source,
    text: &'a str,
    value: Result<Json, String>,
    /// Whether it has numbers in it that JSON does not have.
    pub lenient: bool,
}

/// A value to be read, or the mistake in its place.
pub enum Line<'a> {
    /// The value.
    Value(Node<'a>),
    /// A line that is not JSON.
    Broken {
        /// What is wrong with it.
        mistake: Mistake,
        /// The line as it stands.
        text: &'a str,
        /// Whether the file ends with it: then only the recorder was cut short.
        last: bool,
    },
}

impl Parsed<'_> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&Json> {
        self.value.as_ref().ok()
    }
}

/// The values of a text.
pub fn split<'a>(text: &'a str, file: &Arc<str>) -> Result<Vec<Parsed<'a>>, Mistake> {
    // Some editors put a byte order mark before the first value.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = Source { file: file.clone(), ..Source::default() };
    if text.trim().is_empty() {
        return Err(whole.mistake("is empty"));
    }
    let error = match lenient::parse(text) {
        Ok((value, lenient)) => return Ok(vec![Parsed { source: whole, text, value: Ok(value), lenient }]),
        Err(error) => error,
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let lines: Vec<Parsed<'_>> = lines
        .map(|(at, text)| {
            let source = Source { line: Some(at + 1), ..whole.clone() };
            match parse(text) {
                Ok((value, lenient)) => Parsed { source, text, value: Ok(value), lenient },
                Err(error) => Parsed { source, text, value: Err(reason(&error)), lenient: false },
            }
        })
        .collect();
    // A list printed over several lines has lines that are JSON by chance, but fewer than others.
    let candidates = lines.iter().filter(|line| is_meant(line.text));
    let (good, bad): (Vec<_>, Vec<_>) = candidates.partition(|line| line.value.is_ok());
    if good.is_empty() || good.len() < bad.len() {
        let source = Source { line: Some(error.line()), ..whole };
        return Err(source.mistake(reason(&error)));
    }
    Ok(lines)
}

/// The values to be read: those of the text, and for a list of values that fit the format each of them.
pub fn unpack<'a>(parsed: &'a [Parsed<'a>], fits: fn(&Json) -> bool) -> Vec<Line<'a>> {
    let mut lines = Vec::with_capacity(parsed.len());
    for (at, one) in parsed.iter().enumerate() {
        let node = match &one.value {
            Ok(value) => Node::new(value, one.source.clone()),
            Err(reason) => {
                let (mistake, last) = (one.source.mistake(reason), at + 1 == parsed.len());
                lines.push(Line::Broken { mistake, text: one.text, last });
                continue;
            }
        };
        match node.json.as_array() {
            Some(items) if !fits(node.json) && items.iter().any(fits) => {
                lines.extend(node.items().into_iter().flatten().map(Line::Value));
            }
            _ => lines.push(Line::Value(node)),
        }
    }
    lines
}

/// Why something is not JSON. The line in the error is left out: it counts from the line's own beginning.
fn reason(error: &serde_json::Error) -> String {
    let column = error.column();
    let place = format!(" at line {} column {column}", error.line());
    let what = error.to_string();
    format!("is not JSON: {} at column {column}", what.strip_suffix(&place).unwrap_or(&what))
}

/// Whether a line is meant as a value, and not as what programs print besides.
pub fn is_meant(line: &str) -> bool {
    // Logs have times and levels in brackets, so a bracket alone does not tell.
    let line = line.trim_start();
    line.starts_with('{') || line.starts_with("[{") || is_rpc(line)
}

/// Whether a line that may not be JSON has to do with JSON-RPC.
pub fn is_rpc(line: &str) -> bool {
    // Inside a text, the quotation mark is escaped.
    line.contains("jsonrpc\"") || line.contains("jsonrpc\\\"")
}

/// A line's value. Logs of JSON-RPC messages have times and arrows before them.
fn parse(line: &str) -> serde_json::Result<(Json, bool)> {
    lenient::parse(line).or_else(|error| match line.find('{') {
        Some(start) if is_rpc(line) => lenient::parse(&line[start..]),
        _ => Err(error),
    })
}
