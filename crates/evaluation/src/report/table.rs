//! A report for people at a terminal: the traces in a table, what is to be known of the bad ones in full, then the totals.

use super::baseline::{self, Block};
use super::points::{self, Point, UNFINISHED, VALUE};
use super::words::{self, comparison, count, cut, doubt, doubts, pass_hat, pass_hats, place, plain, trial, value};
use crate::model::{Cell, Command, Counted, Report, Step, TraceReport};
use crate::totals::is_good;
use anstyle::{AnsiColor, Reset, Style};
use comfy_table::{Cell as Field, Color, ContentArrangement, Table, presets};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Traces in the table. A run of more shows its bad ones alone: with the good ones they would be looked for in vain.
const LISTED: usize = 40;

/// Traces told in full: about what a terminal scrolls back.
const TOLD: usize = 20;

/// Points of one trace. A trace that goes wrong early goes on so.
const POINTS: usize = 30;

/// Cells of one difference: a wrong call changes a row or two, and more than this is another course of events.
const CELLS: usize = 20;

/// Lines of one table of totals. The greatest numbers come first.
const TOTALS: usize = 30;

/// Characters of a name: what leaves room for the other columns.
const NAME: usize = 48;

const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const PLAIN: Reset = Reset;

/// The whole text, with colours.
pub fn render(report: &Report, width: Option<u16>) -> String {
    let mut page = Page { text: String::new(), width };
    let bad = |trace: &&TraceReport| !is_good(report.command, trace);
    // Of a long run the bad traces, of a short one every trace.
    let few = report.traces.len() <= LISTED;
    let listed: Vec<&TraceReport> = report.traces.iter().filter(|trace| few || bad(trace)).collect();
    page.traces(report, &listed);
    page.in_full(report, &listed);
    page.tasks(report);
    page.totals(report);
    page.unread(report);
    page.doubts(report);
    page.notes(report);
    page.baseline(report);
    page.summary(report);
    page.text
}

struct Page {
    text: String,
    width: Option<u16>,
}

impl Page {
    /// A line. Writing to a text cannot fail.
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.line("");
        }
        self.line(&format!("{BOLD}{text}{PLAIN}"));
    }

    fn more(&mut self, number: usize, what: &str) {
        if number > 0 {
            self.line(&format!("{DIM}and {number} more {what}{PLAIN}"));
        }
    }

    fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<Field>>) {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.enforce_styling();
        if let Some(width) = self.width {
            table.set_width(width);
        }
        table.set_header(head);
        table.add_rows(rows);
        self.line(&table.to_string());
    }

    fn traces(&mut self, report: &Report, listed: &[&TraceReport]) {
        if listed.is_empty() {
            return;
        }
        let command = report.command;
        let head = match command {
            Command::Replay => ["trace", "policy", "calls", "answers", "first", "broken rules"],
            Command::Grade => ["trace", "policy", "calls", "verdict", "does not hold", "broken rules"],
            Command::Lint => ["trace", "policy", "calls", "found", "checks", "broken rules"],
        };
        let rows = listed.iter().take(LISTED).map(|trace| {
            let replay = &trace.replay;
            let colour = if is_good(command, trace) { Color::Green } else { Color::Red };
            vec![
                text(&cut(&format!("{}{}", plain(&replay.name), trial(replay)), NAME)),
                text(&format!("{} ({})", replay.policy, replay.mode.name())),
                text(&replay.calls.len().to_string()),
                text(&points::result(command, trace)).fg(colour),
                text(&why(command, trace)),
                text(&rules(trace)),
            ]
        });
        self.table(&head, rows);
        self.more(listed.len().saturating_sub(LISTED), "that are not good");
        let silent = report.traces.len() - listed.len();
        if silent > 0 {
            self.line(&format!("{DIM}{} not listed, which are good{PLAIN}", count(silent, "trace")));
        }
    }

    fn in_full(&mut self, report: &Report, traces: &[&TraceReport]) {
        let mut told = 0;
        for trace in traces {
            let points = points::points(report, trace, VALUE);
            let cells = trace.verdict.as_ref().map_or(&[][..], |verdict| &verdict.state.difference);
            if points.is_empty() && cells.is_empty() {
                continue;
            }
            told += 1;
            if told > TOLD {
                continue;
            }
            let replay = &trace.replay;
            self.heading(&cut(&plain(&replay.name), NAME));
            self.line(&format!("{DIM}{}{PLAIN}", place(&replay.place)));
            points.iter().take(POINTS).for_each(|point| self.point(point));
            self.more(points.len().saturating_sub(POINTS), "of this trace");
            self.cells(cells);
        }
        self.more(told.saturating_sub(TOLD), "traces to tell of; the other forms of this report have them all");
    }

    fn point(&mut self, point: &Point<'_>) {
        let style = match (point.bad, point.kind) {
            (true, _) => BAD,
            (false, "note") => DIM,
            (false, _) => ODD,
        };
        let call = point.call.map_or(String::new(), |call| format!("call {call} "));
        let tool = point.tool.map_or(String::new(), |tool| format!("{} ", plain(tool)));
        self.line(&format!("  {DIM}{call}{PLAIN}{tool}{style}{}{PLAIN} {}", point.kind, point.text));
        for line in Some(point.basis()).iter().filter(|basis| !basis.is_empty()).chain(&point.more) {
            self.line(&format!("    {DIM}{line}{PLAIN}"));
        }
    }

    fn cells(&mut self, cells: &[Cell]) {
        if cells.is_empty() {
            return;
        }
        let rows = cells.iter().take(CELLS).map(|cell| {
            let Cell { table, key, column, expected, actual } = cell;
            vec![
                text(table),
                text(key),
                text(column),
                text(&value(expected, VALUE)).fg(Color::Green),
                text(&value(actual, VALUE)).fg(Color::Red),
            ]
        });
        self.table(&["table", "key", "column", "expected", "actual"], rows);
        self.more(cells.len().saturating_sub(CELLS), "cells");
    }

    fn tasks(&mut self, report: &Report) {
        if report.tasks.is_empty() {
            return;
        }
        self.heading("Tasks");
        // The worst first; where all are alike, in their own order.
        let mut tasks: Vec<_> = report.tasks.iter().collect();
        tasks.sort_by(|a, b| (a.passed * b.trials.max(1)).cmp(&(b.passed * a.trials.max(1))));
        let rows = tasks.iter().take(LISTED).map(|task| {
            let colour = if task.passed == task.trials && task.trials > 0 { Color::Green } else { Color::Red };
            let trials = if task.trials == 0 { "not tried".to_owned() } else { task.trials.to_string() };
            vec![
                text(&cut(&words::task(report, task), NAME)),
                text(&trials),
                text(&task.passed.to_string()).fg(colour),
                text(&task.unfinished.to_string()),
                text(&pass_hat(&task.pass_hat)),
            ]
        });
        self.table(&["task", "trials", "passed", UNFINISHED, "pass^k"], rows);
        self.more(tasks.len().saturating_sub(LISTED), "tasks");
    }

    fn totals(&mut self, report: &Report) {
        let totals = &report.totals;
        self.counted("Tools", &totals.tools);
        // With one policy the summary says it all.
        if totals.policies.len() > 1 {
            self.counted("Policies", &totals.policies);
        }
        self.numbers("Rules broken", "rule", &totals.rules);
        self.numbers("Findings", "check", &totals.findings);
        self.numbers("Outcomes", "outcome", &totals.outcomes);
    }

    fn counted(&mut self, heading: &str, counted: &BTreeMap<String, Counted>) {
        if counted.is_empty() {
            return;
        }
        self.heading(heading);
        let mut sorted: Vec<_> = counted.iter().collect();
        sorted.sort_by_key(|(_, of)| std::cmp::Reverse(of.calls));
        let rows = sorted.iter().take(TOTALS).map(|(name, of)| {
            let numbers = [of.calls, of.broken, of.different].map(|number| text(&number.to_string()));
            std::iter::once(text(name)).chain(numbers).collect()
        });
        self.table(&["name", "calls", "broke a rule", "answered otherwise"], rows);
        self.more(sorted.len().saturating_sub(TOTALS), "lines");
    }

    fn numbers(&mut self, heading: &str, what: &str, numbers: &BTreeMap<String, usize>) {
        if numbers.is_empty() {
            return;
        }
        self.heading(heading);
        let mut sorted: Vec<_> = numbers.iter().collect();
        sorted.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let rows = sorted.iter().take(TOTALS).map(|(name, number)| vec![text(name), text(&number.to_string())]);
        self.table(&[what, "times"], rows);
        self.more(sorted.len().saturating_sub(TOTALS), "lines");
    }

    fn unread(&mut self, report: &Report) {
        if report.mistakes.is_empty() {
            return;
        }
        self.heading("Could not be read");
        for mistake in report.mistakes.iter().take(LISTED) {
            self.line(&format!("  {BAD}{}{PLAIN} {}", place(&mistake.place), plain(&mistake.reason)));
        }
        self.more(report.mistakes.len().saturating_sub(LISTED), "places");
    }

    fn doubts(&mut self, report: &Report) {
        let doubts = doubts(report);
        if doubts.is_empty() {
            return;
        }
        self.heading("Gold in doubt");
        for (gold, findings) in doubts.iter().take(LISTED) {
            self.line(&format!("  {DIM}{}{PLAIN}", place(gold)));
            findings.iter().take(POINTS).for_each(|finding| self.line(&format!("    {ODD}{}{PLAIN}", doubt(finding))));
        }
        self.more(doubts.len().saturating_sub(LISTED), "golds");
    }

    fn notes(&mut self, report: &Report) {
        if report.notes.is_empty() {
            return;
        }
        self.heading("To be known of the run");
        report.notes.iter().take(LISTED).for_each(|note| self.line(&format!("  {}", plain(note))));
        self.more(report.notes.len().saturating_sub(LISTED), "notes");
    }

    fn baseline(&mut self, report: &Report) {
        let Some(it) = &report.baseline else { return };
        self.heading(baseline::title(it));
        for Block { title, head, rows, .. } in baseline::blocks(it) {
            self.line(title);
            let cells = rows.iter().take(LISTED).map(|row| row.iter().map(|cell| text(&cut(cell, VALUE))).collect());
            self.table(head, cells);
            self.more(rows.len().saturating_sub(LISTED), "lines");
        }
        let style = if baseline::is_good(it) { GOOD } else { BAD };
        self.line(&format!("{style}{}{PLAIN}", baseline::sentence(it)));
    }

    fn summary(&mut self, report: &Report) {
        let totals = &report.totals;
        let good = match report.command {
            Command::Replay => "as recorded",
            Command::Grade => "passed",
            Command::Lint => "without an error",
        };
        let well = totals.good == totals.traces && totals.doubtful == 0 && report.mistakes.is_empty();
        let style = if well { GOOD } else { BAD };
        let unfinished = match totals.unfinished {
            0 => String::new(),
            number => format!(", {BAD}{number} unfinished{PLAIN}"),
        };
        let run = format!("{}, {}", count(totals.traces, "trace"), count(totals.calls, "call"));
        let mut line = format!("{style}{} of {} {good}{PLAIN}{unfinished}; {run}", totals.good, totals.traces);
        let answers: Vec<String> =
            totals.comparisons.iter().map(|(it, number)| format!("{number} {}", comparison(*it))).collect();
        if !answers.is_empty() {
            let _ = write!(line, "; answers: {}", answers.join(", "));
        }
        let hats = pass_hats(report);
        if !hats.is_empty() {
            let _ = write!(line, "; {hats}");
        }
        if totals.doubtful > 0 {
            let _ = write!(line, "; {BAD}{} on gold in doubt{PLAIN}", count(totals.doubtful, "verdict"));
        }
        self.line("");
        self.line(&line);
    }
}

fn text(text: &str) -> Field {
    Field::new(plain(text))
}

/// What the result rests on, in a few words.
fn why(command: Command, trace: &TraceReport) -> String {
    match command {
        Command::Replay => trace.replay.first_divergence.map_or(String::new(), |call| format!("call {call}")),
        Command::Grade => trace.verdict.as_ref().map_or(String::new(), |verdict| match &verdict.unfinished {
            Some(reason) => cut(reason, NAME),
            None => points::failed(verdict).join(", "),
        }),
        Command::Lint => {
            let checks: Vec<&str> = trace.findings.iter().map(|finding| finding.check.as_str()).collect();
            distinct(checks)
        }
    }
}

/// The rules that a trace's calls broke, each once.
fn rules(trace: &TraceReport) -> String {
    let broken = trace.replay.calls.iter().flat_map(Step::broken);
    distinct(broken.map(|it| it.rule.as_str()).collect())
}

fn distinct(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
