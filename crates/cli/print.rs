//! Printing for people: colours and tables on a terminal, plain text in a pipe.

use anstyle::{AnsiColor, Reset, Style};
use comfy_table::{ContentArrangement, Table, presets};
use std::io::IsTerminal;

/// Refusals and errors.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Success.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Headings.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// The end of any of these.
pub const PLAIN: Reset = Reset;

/// "1 mistake", "2 mistakes".
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How wide tables may be. A terminal that says it has no columns, as some in CI do, gets what COLUMNS says, or all of a table.
pub fn width() -> u16 {
    let terminal = Table::new().width().filter(|width| *width > 0);
    let named = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width > 0);
    terminal.or_else(named).unwrap_or(u16::MAX)
}

/// A table for a terminal, or tab-separated lines for a pipe.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    if !std::io::stdout().is_terminal() {
        for row in rows {
            anstream::println!("{}", row.join("\t"));
        }
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width());
    table.set_header(head);
    table.add_rows(rows);
    anstream::println!("{table}");
}
