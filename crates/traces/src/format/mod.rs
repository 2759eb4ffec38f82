//! The formats of traces: which one a text is in, reading it, and writing it.
//!
//! A format is recognised by what the text holds, never by the file's name. Each has one file, and an entry in
//! the list `FORMATS`.

mod advances;
mod anthropic;
mod atif;
mod call;
mod chat;
mod connections;
mod cut;
mod decode;
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
mod reading;
mod responses;
mod span;
mod tags;
mod tau2;
mod tau_bench;
mod text;
mod transcript;
mod usage;
mod walk;

pub use decode::{LENGTH, too_long};
pub use losses::losses;
pub use reading::{detect, gather, read, read_as, read_bytes};

use super::{Document, Trace};
use lines::Line;
use node::Node;
use reading::{checked, foreign_format};
use serde_json::{Value as Json, json};
use std::fmt;

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
    Lines(fn(&mut dyn Iterator<Item = Line<'_>>, &mut Document)),
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

/// The traces in that format; none where it is only read.
pub fn write(format: Format, traces: &[Trace]) -> Option<String> {
    let entry = FORMATS.iter().find(|entry| entry.format == format)?;
    entry.write.map(|write| write(traces))
}

/// A conversation, with the run that it is of, how it ended and what it took.
fn conversation(trace: &Trace, key: &str, content: Vec<Json>) -> Json {
    let task = trace.task.as_deref().map(|task| ("task_id", task.into()));
    let trial = trace.trial.map(|trial| ("trial", trial.into()));
    let unfinished = trace.unfinished.as_deref().map(|why| ("unfinished", why.into()));
    let tokens = trace.tokens.map(|tokens| ("usage", json!({"total_tokens": tokens})));
    let entries = task.into_iter().chain(trial).chain(unfinished).chain(tokens).chain([(key, content.into())]);
    entries.map(|(key, value): (&str, Json)| (key.to_owned(), value)).collect()
}

/// A text of one JSON value a line.
fn json_lines(values: impl IntoIterator<Item = Json>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}
