//! A report as a comment on a pull request: what is not good, details folded.

use super::baseline::{self, Block};
use super::points::{self, UNFINISHED, VALUE};
use super::words::{self, command, comparison, count, cut, doubt, doubts, pass_hat, pass_hats, place, value};
use crate::model::{Cell, Command, Counted, Report, TraceReport};
use crate::totals::is_good;
use std::collections::BTreeMap;

/// Characters of the whole: GitHub takes 65,536 in a comment, and the last lines need room.
const COMMENT: usize = 60_000;

/// Lines of one table, which is then still read.
const ROWS: usize = 20;

/// Points of one trace.
const POINTS: usize = 30;

/// The whole text.
pub fn render(report: &Report) -> String {
    let totals = &report.totals;
    let good = match report.command {
        Command::Replay => "answer as recorded",
        Command::Grade => "pass",
        Command::Lint => "are without an error",
    };
    let mark =
        if totals.good == totals.traces && totals.doubtful == 0 && report.mistakes.is_empty() { "✅" } else { "❌" };
    let mut page = Page { text: String::new() };
    let head = format!("## {mark} {}: {} of {} traces {good}", command(report.command), totals.good, totals.traces);
    page.paragraph(&head);
    let mut facts = vec![count(totals.calls, "call")];
    facts.extend((totals.unfinished > 0).then(|| format!("{} unfinished", totals.unfinished)));
    facts.extend(totals.comparisons.iter().map(|(it, number)| format!("{number} {}", comparison(*it))));
    facts.extend(Some(pass_hats(report)).filter(|text| !text.is_empty()));
    page.paragraph(&facts.join(" · "));
    page.notes(report);
    page.doubts(report);
    page.baseline(report);
    page.unread(report);
    let bad: Vec<&TraceReport> = report.traces.iter().filter(|trace| !is_good(report.command, trace)).collect();
    page.traces(report, &bad);
    page.totals(report);
    page.details(report, &bad);
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.line("");
        }
        self.line(text);
    }

    /// A table of texts that are Markdown already. Columns from `numbers` on are aligned to the right.
    fn table(&mut self, head: &[&str], numbers: usize, rows: &[Vec<String>]) {
        self.paragraph(&format!("| {} |", head.join(" | ")));
        let rule = (0..head.len()).map(|at| if at < numbers { "---" } else { "---:" });
        self.line(&format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
        for row in rows.iter().take(ROWS) {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        if rows.len() > ROWS {
            self.paragraph(&format!("and {} more", rows.len() - ROWS));
        }
    }

    /// What can be folded away, under a title of Markdown's own HTML.
    fn folded(&mut self, title: &str, inner: impl FnOnce(&mut Page)) {
        self.paragraph("<details>");
        self.line(&format!("<summary>{title}</summary>"));
        inner(self);
        self.paragraph("</details>");
    }

    fn baseline(&mut self, report: &Report) {
        let Some(it) = &report.baseline else { return };
        let mark = if baseline::is_good(it) { "✅" } else { "❌" };
        self.paragraph(&format!("### {mark} {}", baseline::title(it)));
        self.paragraph(&text(&baseline::sentence(it)));
        for Block { title, head, numbers, rows } in baseline::blocks(it) {
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| text(&cut(cell, VALUE))).collect()).collect();
            self.folded(title, |page| page.table(head, numbers, &rows));
        }
    }

    fn notes(&mut self, report: &Report) {
        for (at, note) in report.notes.iter().take(ROWS).enumerate() {
            let line = format!("- {}", text(&cut(note, VALUE)));
            if at == 0 { self.paragraph(&line) } else { self.line(&line) }
        }
        if report.notes.len() > ROWS {
            self.line(&format!("- and {} more", report.notes.len() - ROWS));
        }
    }

    fn doubts(&mut self, report: &Report) {
        let doubts = doubts(report);
        let rows = doubts.iter().flat_map(|(gold, findings)| {
            findings.iter().map(|finding| vec![code(&place(gold)), text(&cut(&doubt(finding), VALUE))])
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            self.table(&["gold in doubt", "why"], 2, &rows);
        }
    }

    fn unread(&mut self, report: &Report) {
        if report.mistakes.is_empty() {
            return;
        }
        let rows: Vec<_> =
            report.mistakes.iter().map(|it| vec![code(&place(&it.place)), text(&cut(&it.reason, VALUE))]).collect();
        self.table(&["could not be read", "why"], 2, &rows);
    }

    fn traces(&mut self, report: &Report, bad: &[&TraceReport]) {
        if bad.is_empty() {
            return;
        }
        let rows: Vec<_> = bad.iter().map(|trace| row(report, trace)).collect();
        self.table(&["trace", "result", "what to know first", "calls"], 3, &rows);
    }

    fn totals(&mut self, report: &Report) {
        let totals = &report.totals;
        if !totals.rules.is_empty() {
            self.numbers("rule broken", &totals.rules);
        }
        if !totals.findings.is_empty() {
            self.numbers("check", &totals.findings);
        }
        if !report.tasks.is_empty() {
            self.folded("Tasks", |page| {
                let rows = report.tasks.iter().map(|task| {
                    let numbers = [task.trials, task.passed, task.unfinished].map(|number| number.to_string());
                    [code(&words::task(report, task)), pass_hat(&task.pass_hat)].into_iter().chain(numbers).collect()
                });
                page.table(&["task", "pass^k", "trials", "passed", UNFINISHED], 2, &rows.collect::<Vec<_>>());
            });
        }
        self.folded("Tools and policies", |page| {
            page.counted("tool", &totals.tools);
            page.counted("policy", &totals.policies);
        });
    }

    fn numbers(&mut self, what: &str, numbers: &BTreeMap<String, usize>) {
        let mut sorted: Vec<_> = numbers.iter().collect();
        sorted.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let rows: Vec<_> = sorted.iter().map(|(name, number)| vec![code(name), number.to_string()]).collect();
        self.table(&[what, "times"], 1, &rows);
    }

    fn counted(&mut self, what: &str, counted: &BTreeMap<String, Counted>) {
        let mut sorted: Vec<_> = counted.iter().collect();
        sorted.sort_by_key(|(_, of)| std::cmp::Reverse(of.calls));
        let rows = sorted.iter().map(|(name, of)| {
            let numbers = [of.calls, of.broken, of.different].map(|number| number.to_string());
            std::iter::once(code(name)).chain(numbers).collect()
        });
        self.table(&[what, "calls", "broke a rule", "answered otherwise"], 1, &rows.collect::<Vec<_>>());
    }

    /// Each bad trace in full, as many as fit.
    fn details(&mut self, report: &Report, bad: &[&TraceReport]) {
        for (at, trace) in bad.iter().enumerate() {
            let mut one = Page { text: String::new() };
            one.folded(&html(&cut(&trace.replay.name, VALUE)), |page| page.trace(report, trace));
            if self.text.chars().count() + one.text.chars().count() > COMMENT {
                self.paragraph(&format!("and {} more, which a comment has no room for", bad.len() - at));
                return;
            }
            self.paragraph(one.text.trim_end());
        }
    }

    fn trace(&mut self, report: &Report, trace: &TraceReport) {
        self.paragraph(&format!("{} under {}", code(&place(&trace.replay.place)), code(&trace.replay.policy)));
        self.line("");
        let points = points::points(report, trace, VALUE);
        for point in points.iter().take(POINTS) {
            let call = point.call.map_or(String::new(), |call| format!("call {call} "));
            let tool = point.tool.map_or(String::new(), |tool| format!("{} ", code(tool)));
            let basis = Some(point.basis()).filter(|basis| !basis.is_empty()).map(|it| format!(" ({})", text(&it)));
            let basis = basis.unwrap_or_default();
            self.line(&format!("- {call}{tool}**{}** {}{basis}", point.kind, text(&point.text)));
            point.more.iter().for_each(|line| self.line(&format!("  - {}", text(line))));
        }
        if points.len() > POINTS {
            self.line(&format!("- and {} more", points.len() - POINTS));
        }
        let cells = trace.verdict.iter().flat_map(|verdict| &verdict.state.difference);
        let rows: Vec<_> = cells
            .map(|Cell { table, key, column, expected, actual }| {
                let values = [expected, actual].map(|it| code(&value(it, VALUE)));
                [table, key, column].map(|it| code(it)).into_iter().chain(values).collect()
            })
            .collect();
        if !rows.is_empty() {
            self.table(&["table", "key", "column", "expected", "actual"], 5, &rows);
        }
    }
}

fn row(report: &Report, trace: &TraceReport) -> Vec<String> {
    let points = points::points(report, trace, VALUE);
    let first = points.iter().find(|point| point.bad).map(|point| {
        let call = point.call.map_or(String::new(), |call| format!("call {call} "));
        format!("{call}{}", text(&cut(&point.sentence(), VALUE)))
    });
    let cell = || trace.verdict.iter().flat_map(|verdict| &verdict.state.difference).next();
    let first = cell()
        .filter(|_| trace.replay.unfinished.is_none())
        .map(|cell| text(&cut(&points::cell(cell), VALUE)))
        .or(first)
        .unwrap_or_default();
    let result = match &trace.verdict {
        Some(verdict) if verdict.unfinished.is_some() => UNFINISHED.to_owned(),
        Some(verdict) => format!("fail: {}", points::failed(verdict).join(", ")),
        None => points::result(report.command, trace),
    };
    vec![code(&cut(&trace.replay.name, VALUE)), result, first, trace.replay.calls.len().to_string()]
}

/// A text of others between backticks, which fits into a table too.
fn code(text: &str) -> String {
    // A backslash before the one that a bar gets would take it for itself, and the bar end the cell.
    let text = super::words::plain(text).replace("\\|", &format!("\\{APART}|")).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A blank keeps backticks at the ends apart from the fence, and an empty text from being no code.
    let pad = if longest > 0 || text.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text of others as it stands: no mark-up, no HTML, no link, and nobody is called by `@`.
fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in super::words::plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            c => live(c, &mut escaped),
        }
    }
    escaped
}

/// A character that calls people, names an issue or begins a link wherever it stands, escaped or not; or any other.
fn live(c: char, escaped: &mut String) {
    match c {
        '@' | '#' => escaped.extend([c, APART]),
        ':' | '.' if links(escaped) => escaped.extend([c, APART]),
        _ => escaped.push(c),
    }
}

/// What shows nothing, and keeps a sign apart from the word that it would be one with.
const APART: char = '\u{2060}';

/// Whether a text ends in what begins an address, which would become a link.
fn links(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["http", "https", "ftp", "mailto", "xmpp", "www"].iter().any(|scheme| text.ends_with(scheme))
}

/// A text of others within a line of HTML, where Markdown has no say.
fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in super::words::plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => live(c, &mut escaped),
        }
    }
    escaped
}
