//! The formats of traces: which one a text is in, reading it, and writing it.
//!
//! A format is recognised by what the text holds, never by the file's name. Each has one file, and an entry in
//! the list `FORMATS`.

mod anthropic;
mod atif;
mod call;
mod chat;
mod extra;
mod header;
mod inspect;
mod lenient;
mod lines;
mod losses;
mod mcp;
pub mod ndjson;
mod node;
mod openai;
mod responses;
mod tau2;
mod tau_bench;
mod text;
mod transcript;

pub use losses::losses;

use super::{Document, Item, Mistake, Source, Trace};
use lines::{Line, Parsed};
use node::Node;
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// An episode's journal: a header, then a call a line.
    Ndjson,
    /// A log of MCP's JSON-RPC messages.
    Mcp,
    /// The Agent Trajectory Interchange Format.
    Atif,
    /// An evaluation log of Inspect.
    Inspect,
    /// tau2-bench: tasks, simulations, or both.
    Tau2,
    /// tau-bench: tasks, or results.
    TauBench,
    /// Items of OpenAI's Responses API.
    OpenAiResponses,
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's chat messages.
    OpenAi,
}

struct Entry {
    format: Format,
    /// The name by which a person chooses it.
    name: &'static str,
    /// What it is, for people.
    title: &'static str,
    /// Whether a value is in this format.
    fits: fn(&Json) -> bool,
    read: Read,
    /// None for a format that is only read.
    write: Option<fn(&[Trace]) -> String>,
}

enum Read {
    /// Each value holds its own traces.
    Values(fn(&Node<'_>, &mut Document)),
    /// A trace takes several lines.
    Lines(fn(&[Line<'_>], &mut Document)),
}

/// All formats, the more particular first: a text is in the first that fits.
static FORMATS: [Entry; 9] = [
    Entry {
        format: Format::Ndjson,
        name: "ndjson",
        title: "journals of this program",
        fits: ndjson::fits,
        read: Read::Lines(ndjson::read),
        write: Some(ndjson::write),
    },
    Entry {
        format: Format::Mcp,
        name: "mcp",
        title: "logs of MCP's JSON-RPC messages",
        fits: mcp::fits,
        read: Read::Lines(mcp::read),
        write: None,
    },
    Entry {
        format: Format::Atif,
        name: "atif",
        title: "Agent Trajectory Interchange Format",
        fits: atif::fits,
        read: Read::Values(atif::read),
        write: Some(atif::write),
    },
    Entry {
        format: Format::Inspect,
        name: "inspect",
        title: "Inspect's evaluation logs",
        fits: inspect::fits,
        read: Read::Values(inspect::read),
        write: None,
    },
    Entry {
        format: Format::Tau2,
        name: "tau2",
        title: "tau2-bench: tasks, simulations, results",
        fits: tau2::fits,
        read: Read::Values(tau2::read),
        write: Some(tau2::write),
    },
    Entry {
        format: Format::TauBench,
        name: "tau-bench",
        title: "tau-bench: tasks, results",
        fits: tau_bench::fits,
        read: Read::Values(tau_bench::read),
        write: None,
    },
    Entry {
        format: Format::OpenAiResponses,
        name: "openai-responses",
        title: "items of OpenAI's Responses API",
        fits: responses::fits,
        read: Read::Values(responses::read),
        write: Some(responses::write),
    },
    Entry {
        format: Format::Anthropic,
        name: "anthropic",
        title: "Anthropic's messages",
        fits: anthropic::fits,
        read: Read::Values(anthropic::read),
        write: Some(anthropic::write),
    },
    Entry {
        format: Format::OpenAi,
        name: "openai",
        title: "OpenAI's chat messages",
        fits: openai::fits,
        read: Read::Values(openai::read),
        write: Some(openai::write),
    },
];

impl Format {
    /// All formats.
    pub fn all() -> impl Iterator<Item = Format> {
        FORMATS.iter().map(|entry| entry.format)
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().find(|entry| entry.name == name).map(|entry| entry.format)
    }

    /// The name by which a person chooses it.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|entry| entry.format == self).map_or("", |entry| entry.name)
    }

    /// What it is, for people.
    pub fn title(self) -> &'static str {
        FORMATS.iter().find(|entry| entry.format == self).map_or("", |entry| entry.title)
    }

    /// Whether traces can be written in it.
    pub fn is_written(self) -> bool {
        FORMATS.iter().any(|entry| entry.format == self && entry.write.is_some())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The format of a text; `file` is for the message only.
pub fn detect(text: &str, file: &str) -> Result<Format, Mistake> {
    let file: Arc<str> = file.into();
    Ok(entry(&lines::split(text, &file)?, &file)?.format)
}

/// All that a text holds; a mistake where it is in no known format, or holds nothing.
pub fn read(text: &str, file: &str) -> Result<Document, Mistake> {
    read_as(None, text, file)
}

/// All that a text holds in that format; in the one that fits it where none is given.
pub fn read_as(format: Option<Format>, text: &str, file: &str) -> Result<Document, Mistake> {
    let file: Arc<str> = file.into();
    let lines = lines::split(text, &file)?;
    let entry = match FORMATS.iter().find(|entry| Some(entry.format) == format) {
        Some(entry) => entry,
        None => entry(&lines, &file)?,
    };
    let mut document = Document { format: entry.format, items: Vec::new(), mistakes: Vec::new() };
    let values = lines::unpack(&lines, entry.fits);
    match entry.read {
        Read::Lines(read) => read(&values, &mut document),
        Read::Values(read) => {
            for line in &values {
                match line {
                    Line::Value(node) if format.is_none() && !admits(entry, node.json) => {
                        document.mistakes.push(foreign(entry, node));
                    }
                    Line::Value(node) => {
                        let before = document.items.len();
                        checked(node, &mut document, read);
                        check(entry, node, before, &mut document);
                    }
                    Line::Broken { mistake, .. } => document.mistakes.push(mistake.clone()),
                }
            }
        }
    }
    note(&lines, &mut document);
    tau2::set_up(&mut document);
    Ok(document)
}

/// All that the bytes of a file hold: a text, or an archive of Inspect.
pub fn read_bytes(format: Option<Format>, bytes: Vec<u8>, file: &str) -> Result<Document, Mistake> {
    if inspect::is_archive(&bytes) && format.is_none_or(|format| format == Format::Inspect) {
        return inspect::read_archive(&bytes, file);
    }
    let source = || Source { file: file.into(), ..Source::default() };
    let text = String::from_utf8(bytes).map_err(|_| source().mistake("is not text"))?;
    read_as(format, &text, file)
}

/// Documents as they belong together: results that are a folder are one.
pub fn gather(documents: Vec<Document>) -> Vec<Document> {
    tau2::gather(documents)
}

/// The traces in that format; none where it is only read.
pub fn write(format: Format, traces: &[Trace]) -> Option<String> {
    let entry = FORMATS.iter().find(|entry| entry.format == format)?;
    entry.write.map(|write| write(traces))
}

fn entry(lines: &[Parsed<'_>], file: &Arc<str>) -> Result<&'static Entry, Mistake> {
    let values = || lines.iter().filter_map(Parsed::value);
    let fits = |value: &Json| FORMATS.iter().find(|entry| (entry.fits)(value));
    // A list may be a trace of its own, of messages say; only then is it a list of traces.
    let inner = || values().filter_map(Json::as_array).flatten().find_map(fits);
    values().find_map(fits).or_else(inner).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|entry| entry.name).collect();
        let reason = format!("is in none of the formats that are read: {}", names.join(", "));
        Source { file: file.clone(), ..Source::default() }.mistake(reason)
    })
}

/// Whether a value among others of that format is to be read with them.
fn admits(entry: &Entry, value: &Json) -> bool {
    let own = FORMATS.iter().find(|other| (other.fits)(value)).map(|other| other.format);
    // A conversation without any call looks like OpenAI's, whoever's it is.
    own == Some(entry.format) || entry.format == Format::Anthropic && own == Some(Format::OpenAi) && !chat::calls(value)
}

/// The mistake of a value that is no run and no task of the format that the file is in.
fn foreign(entry: &Entry, node: &Node<'_>) -> Mistake {
    let other = FORMATS.iter().find(|other| (other.fits)(node.json));
    node.source.mistake(match other {
        Some(other) => format!("is in the format {}, but the file is in {}; keep them apart", other.name, entry.name),
        None => format!("is neither a trace nor a task in the format {}", entry.name),
    })
}

/// Read a value. One of which nothing comes is not passed over: a header, say, of a run that is not there.
fn checked<'a>(node: &Node<'a>, document: &mut Document, read: impl FnOnce(&Node<'a>, &mut Document)) {
    let before = (document.items.len(), document.mistakes.len());
    read(node, document);
    if (document.items.len(), document.mistakes.len()) == before {
        let reason = format!("looks like {}, but holds neither a trace nor a task", document.format);
        document.mistakes.push(node.source.mistake(reason));
    }
}

/// A value that does not look like the format, and of which nothing was read, is no empty run.
fn check(entry: &Entry, node: &Node<'_>, before: usize, document: &mut Document) {
    let is_empty = |item: &Item| item.trace().calls.is_empty() && item.trace().messages.is_empty();
    if !admits(entry, node.json) && document.items[before..].iter().any(is_empty) {
        document.items.truncate(before);
        document.mistakes.push(foreign(entry, node));
    }
}

/// Say where there are numbers that JSON does not have. A trace may take several lines, so the file's are told of all.
fn note(lines: &[Parsed<'_>], document: &mut Document) {
    if lines.iter().any(|line| line.lenient) {
        document.items.iter_mut().for_each(|item| item.trace_mut().notes.push(lenient::NOTE.to_owned()));
    }
}

/// A conversation, with the run that it is of: the keys that [`transcript::Transcript::identify`] reads.
fn conversation(trace: &Trace, key: &str, content: Vec<Json>) -> Json {
    let task = trace.task.as_deref().map(|task| ("task_id", task.into()));
    let trial = trace.trial.map(|trial| ("trial", trial.into()));
    let entries = task.into_iter().chain(trial).chain([(key, content.into())]);
    entries.map(|(key, value): (&str, Json)| (key.to_owned(), value)).collect()
}

/// A text of one JSON value a line.
fn json_lines(values: impl IntoIterator<Item = Json>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}
