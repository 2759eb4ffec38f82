//! The log, on standard error: standard output is the protocol's.
//!
//! Whatever a line holds, it is one line: control characters are escaped where lines are written, so that no field needs to be
//! thought of where something is logged.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that says what is logged.
const VARIABLE: &str = "INCIDENT_MCP_LOG";

/// Log what `INCIDENT_MCP_LOG` asks for, or else what an operator needs.
pub fn init() {
    let asked = std::env::var(VARIABLE).ok().and_then(|filter| filter.parse().ok());
    let targets: Targets =
        asked.unwrap_or_else(|| Targets::new().with_default(Level::WARN).with_target("incident_mcp", Level::INFO));
    let most = targets.iter().map(|(_, level)| level).chain(targets.default_level()).max();
    let wanted = filter_fn(move |event| targets.would_enable(&named(event.target()), &weight(event)))
        .with_max_level_hint(most.unwrap_or(LevelFilter::OFF));
    let lines = tracing_subscriber::fmt::layer().with_writer(|| OneLine(io::stderr())).with_ansi(false).without_time();
    tracing_subscriber::registry().with(lines.with_target(false).with_filter(wanted)).init();
}

/// The crates of this program, whose events are all named `incident_mcp::...`.
const OURS: [&str; 7] = ["records", "store", "traces", "procedures", "calls", "evaluation", "server"];

/// An event's target as a filter names it.
fn named(target: &str) -> Cow<'_, str> {
    match target.split("::").next() {
        Some(first) if OURS.contains(&first) => format!("incident_mcp::{target}").into(),
        _ => target.into(),
    }
}

/// How much an event weighs here. rmcp warns of each error that is answered and of each client that leaves, which are our clients'
/// affairs: all that it says weighs less.
fn weight(event: &Metadata<'_>) -> Level {
    match (event.target().split("::").next(), *event.level()) {
        (Some("rmcp"), Level::ERROR | Level::WARN) => Level::INFO,
        (Some("rmcp"), Level::INFO) => Level::DEBUG,
        (Some("rmcp"), _) => Level::TRACE,
        (_, level) => level,
    }
}

/// Writes each event, which comes whole, as one line.
struct OneLine<W>(W);

impl<W: io::Write> io::Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(one_line(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with a line's end, and nothing else that begins a line or moves on a terminal.
fn one_line(text: &str) -> String {
    // Short names of levels are set to the right, which is not needed to read them.
    let text = text.strip_suffix('\n').unwrap_or(text).trim_start_matches(' ');
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c.is_control() || turns(c) {
            // Writing to a text does not fail.
            true => drop(write!(line, "{}", c.escape_default())),
            false => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// Whether a character breaks a line or turns its direction.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_holds() {
        for (event, line) in [
            (" WARN all is well\n", "WARN all is well\n"),
            ("é, 猫 and 🙂\n", "é, 猫 and 🙂\n"),
            ("id=x\u{1b}[31m\n INFO episode ended\n", "id=x\\u{1b}[31m\\n INFO episode ended\n"),
            ("\r\t\0\u{7f}\u{9b}\n", "\\r\\t\\u{0}\\u{7f}\\u{9b}\n"),
            ("a\u{202e}b\u{2028}c\n", "a\\u{202e}b\\u{2028}c\n"),
            ("no end", "no end\n"),
        ] {
            assert_eq!(one_line(event), line);
        }
    }
}
