//! Reading a file: recognising its format, and keeping what is in another one, or in none, out of its traces.

use super::lines::{Line, Text};
use super::node::Node;
use super::{Entry, FORMATS, Format, Read, chat, decode, inspect, lenient, tau2};
use crate::{Document, Item, Mistake, Source};
use serde_json::Value as Json;
use std::cell::Cell;
use std::sync::Arc;

/// The format of a text; `file` is for the message only.
pub fn detect(text: &str, file: &str) -> Result<Format, Mistake> {
    let file: Arc<str> = file.into();
    Ok(entry(&Text::new(text, &file)?, &file)?.format)
}

/// All that a text holds; a mistake where it is in no known format, or holds nothing.
pub fn read(text: &str, file: &str) -> Result<Document, Mistake> {
    read_as(None, text, file)
}

/// All that a text holds in that format; in the one that fits it where none is given.
pub fn read_as(format: Option<Format>, text: &str, file: &str) -> Result<Document, Mistake> {
    let file: Arc<str> = file.into();
    let text = Text::new(text, &file)?;
    let given = FORMATS.iter().find(|entry| Some(entry.format) == format);
    let entry = given.map_or_else(|| entry(&text, &file), Ok)?;
    let mut document = Document { format: entry.format, items: Vec::new(), mistakes: Vec::new() };
    let is_lenient = Cell::new(false);
    let mut lines = text.lines(entry.fits).inspect(|line| {
        is_lenient.set(is_lenient.get() || matches!(line, Line::Value(value) if value.lenient));
    });
    match entry.read {
        Read::Lines(read) => read(&mut lines, &mut document),
        Read::Values(read) => {
            for line in lines {
                let value = match line {
                    Line::Value(value) => value,
                    Line::Broken { mistake, .. } => {
                        document.mistakes.push(mistake);
                        continue;
                    }
                };
                let node = value.node();
                let own = format_of(node.json);
                // A conversation without any call looks like OpenAI's. What follows tells whose it is.
                if format.is_none() && entry.format == Format::OpenAi && own == Some(Format::Anthropic) {
                    return read_as(own, text.text(), &file);
                }
                if format.is_none() && !admits(entry, own, node.json) {
                    document.mistakes.push(foreign(entry.format, own, &node));
                    continue;
                }
                let before = document.items.len();
                checked(&node, &mut document, read);
                check(entry, own, &node, before, &mut document);
            }
        }
    }
    if document.items.is_empty() && document.mistakes.is_empty() {
        let reason = format!("looks like {}, but holds neither a trace nor a task", entry.format);
        document.mistakes.push(Source { file, ..Source::default() }.mistake(reason));
    }
    // A trace may take several lines, so the file's are told of all.
    if is_lenient.get() {
        document.items.iter_mut().for_each(|item| item.trace_mut().notes.push(lenient::NOTE.to_owned()));
    }
    tau2::set_up(&mut document);
    Ok(document)
}

/// All that the bytes of a file hold: a text, also compressed, or an archive of Inspect.
pub fn read_bytes(format: Option<Format>, bytes: Vec<u8>, file: &str) -> Result<Document, Mistake> {
    let wrong = |reason: String| Source { file: file.into(), ..Source::default() }.mistake(reason);
    let bytes = decode::unpack(bytes).map_err(wrong)?;
    if inspect::is_archive(&bytes) && format.is_none_or(|format| format == Format::Inspect) {
        return inspect::read_archive(&bytes, file);
    }
    read_as(format, &decode::text(bytes).map_err(wrong)?, file)
}

/// Documents as they belong together: results that are a folder are one.
pub fn gather(documents: Vec<Document>) -> Vec<Document> {
    tau2::gather(documents)
}

fn entry(text: &Text<'_>, file: &Arc<str>) -> Result<&'static Entry, Mistake> {
    text.find(|value| FORMATS.iter().find(|entry| (entry.fits)(value))).ok_or_else(|| {
        if let Some(mistake) = text.error().filter(|_| !text.has_values()) {
            return mistake;
        }
        let names: Vec<&str> = FORMATS.iter().map(|entry| entry.name).collect();
        let reason = format!(
            "is in none of the formats that are read: {}. Write each run as a journal, {}: a header, then a call a line, as \
             docs/traces.md describes it",
            names.join(", "),
            Format::Ndjson,
        );
        Source { file: file.clone(), ..Source::default() }.mistake(reason)
    })
}

/// The format that a value is in by itself.
fn format_of(value: &Json) -> Option<Format> {
    FORMATS.iter().find(|entry| (entry.fits)(value)).map(|entry| entry.format)
}

/// Whether a value among others of that format is to be read with them.
fn admits(entry: &Entry, own: Option<Format>, value: &Json) -> bool {
    // A conversation without any call looks like OpenAI's, whoever's it is.
    own == Some(entry.format) || entry.format == Format::Anthropic && own == Some(Format::OpenAi) && !chat::calls(value)
}

/// The mistake of a value that is no run and no task of the format that the file is in.
fn foreign(format: Format, own: Option<Format>, node: &Node<'_>) -> Mistake {
    node.source.mistake(match own {
        Some(own) => format!("is in the format {own}, but the file is in {format}; keep them apart"),
        None => format!("is neither a trace nor a task in the format {format}"),
    })
}

/// The mistake of a value in another format among the lines of a log, which may be anything else.
pub fn foreign_format(format: Format, node: &Node<'_>) -> Option<Mistake> {
    format_of(node.json).filter(|own| *own != format).map(|own| foreign(format, Some(own), node))
}

/// Read a value. One of which nothing comes is not passed over: a header, say, of a run that is not there.
pub fn checked<'a>(node: &Node<'a>, document: &mut Document, read: impl FnOnce(&Node<'a>, &mut Document)) {
    let before = (document.items.len(), document.mistakes.len());
    read(node, document);
    if (document.items.len(), document.mistakes.len()) == before {
        let reason = format!("looks like {}, but holds neither a trace nor a task", document.format);
        document.mistakes.push(node.source.mistake(reason));
    }
}

/// A value that does not look like the format, and of which nothing was read, is no empty run.
fn check(entry: &Entry, own: Option<Format>, node: &Node<'_>, before: usize, document: &mut Document) {
    let is_empty = |item: &Item| item.trace().calls.is_empty() && item.trace().messages.is_empty();
    if !admits(entry, own, node.json) && document.items[before..].iter().any(is_empty) {
        document.items.truncate(before);
        document.mistakes.push(foreign(entry.format, own, node));
    }
}
