//! A report for a pipe: tab-separated lines, each beginning with what it is. Nothing is left out.

use super::baseline::{self, Block};
use super::points::{self, Point};
use super::words::{command, comparison, place, plain};
use crate::model::{Cell, Counted, Report};

/// By which a spreadsheet knows a formula, also in full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Characters of a value: all of them.
const WHOLE: usize = usize::MAX;

/// The lines:
///
/// - `trace`: name, place, policy, mode, calls, result, comparison, first divergence, hash.
/// - the kind of a point: the trace's name, call, tool, rule, clause, text.
/// - `cell`: the trace's name, table, key, column, expected, actual.
/// - `task`: name, place of its gold, trials, passed, unfinished, pass^k from k = 1.
/// - `run`: what is to be known of the whole run.
/// - `total`: what is counted, its name where there are several, the number or numbers.
/// - `unread`: place, reason.
/// - `baseline`: what is told of it, then its columns; last the answer in one sentence.
pub fn render(report: &Report) -> String {
    let mut lines = Lines::default();
    for trace in &report.traces {
        let replay = &trace.replay;
        let name = replay.name.as_str();
        lines.add([
            "trace",
            name,
            &place(&replay.place),
            &replay.policy,
            replay.mode.name(),
            &replay.calls.len().to_string(),
            &points::result(report.command, trace),
            comparison(replay.comparison),
            &replay.first_divergence.map_or(String::new(), |call| call.to_string()),
            &replay.hash,
        ]);
        for Point { kind, call, tool, rule, clause, text, more, .. } in points::points(report, trace, WHOLE) {
            let call = call.map_or(String::new(), |call| call.to_string());
            let text = [vec![text], more].concat().join("; ");
            let [tool, rule, clause] = [tool, rule, clause].map(Option::unwrap_or_default);
            lines.add([kind, name, &call, tool, rule, clause, &text]);
        }
        for Cell { table, key, column, expected, actual } in
            trace.verdict.iter().flat_map(|verdict| &verdict.state.difference)
        {
            let [expected, actual] = [expected, actual].map(|value| super::words::value(value, WHOLE));
            lines.add(["cell", name, table, key, column, &expected, &actual]);
        }
    }
    for task in &report.tasks {
        let [trials, passed, unfinished] = [task.trials, task.passed, task.unfinished].map(|it| it.to_string());
        lines.add(["task", &task.task, &place(&task.gold), &trials, &passed, &unfinished, &numbers(&task.pass_hat)]);
    }
    report.notes.iter().for_each(|note| lines.add(["run", note]));
    totals(report, &mut lines);
    for mistake in &report.mistakes {
        lines.add(["unread", &place(&mistake.place), &mistake.reason]);
    }
    if let Some(it) = &report.baseline {
        for Block { title, rows, .. } in baseline::blocks(it) {
            let whole = rows.iter().map(|row| ["baseline", title].into_iter().chain(row.iter().map(String::as_str)));
            whole.for_each(|fields| lines.add(fields));
        }
        lines.add(["baseline", &baseline::sentence(it)]);
    }
    lines.text
}

fn totals(report: &Report, lines: &mut Lines) {
    let totals = &report.totals;
    let mut total = |what: &str, name: &str, number: String| lines.add(["total", what, name, &number]);
    total("traces", command(report.command), totals.traces.to_string());
    total("calls", "", totals.calls.to_string());
    total("good", "", totals.good.to_string());
    total("unfinished", "", totals.unfinished.to_string());
    total("gold in doubt", "", totals.doubtful.to_string());
    totals.comparisons.iter().for_each(|(it, number)| total("comparison", comparison(*it), number.to_string()));
    let named = [("outcome", &totals.outcomes), ("rule", &totals.rules), ("finding", &totals.findings)];
    for (what, numbers) in named {
        numbers.iter().for_each(|(name, number)| total(what, name, number.to_string()));
    }
    if !report.pass_hat.is_empty() {
        total("pass^k", "", numbers(&report.pass_hat));
    }
    if !report.pass_hat_tried.is_empty() {
        total("pass^k of tasks tried", "", numbers(&report.pass_hat_tried));
    }
    for (what, counted) in [("tool", &totals.tools), ("policy", &totals.policies)] {
        for (name, Counted { calls, broken, different }) in counted {
            lines.add(["total", what, name, &calls.to_string(), &broken.to_string(), &different.to_string()]);
        }
    }
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.6}")).collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    /// A tab within a field, as any control character, is escaped; and what a spreadsheet would take for a formula is marked as
    /// a text.
    fn add<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) {
        for (at, field) in fields.into_iter().enumerate() {
            if at > 0 {
                self.text.push('\t');
            }
            let number = field.parse::<f64>().is_ok();
            if field.starts_with(FORMULA) && !number {
                self.text.push('\'');
            }
            self.text.push_str(&plain(field));
        }
        self.text.push('\n');
    }
}
