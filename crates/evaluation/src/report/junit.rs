//! A report for CI: a suite for each file, a case for each trace, and a failure where it is not good.

use super::Error;
use super::points::{self, Point, UNFINISHED, VALUE};
use super::words::{self, command, cut, doubt, doubts, place, plain, trial};
use crate::model::{Place, Report, Severity, TraceReport, Verdict};
use crate::totals::is_good;
use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// Lines of a failure's text: CI shows them as they are, and beyond some hundred nobody reads on.
const LINES: usize = 200;

/// Characters of a failure's message, which CI shows as a title.
const MESSAGE: usize = 200;

/// The whole document. It has no times, so that the same run gives the same text.
pub fn render(report: &Report) -> Result<String, Error> {
    let mut suites: IndexMap<&str, TestSuite> = IndexMap::new();
    let mut add = |file, case: TestCase| {
        let suite = suites.entry(file).or_insert_with(|| TestSuite::new(&*plain(file)));
        suite.add_test_case(case);
    };
    for trace in &report.traces {
        add(trace.replay.place.file.as_str(), case(report, trace));
    }
    for mistake in &report.mistakes {
        add(&mistake.place.file, error(&mistake.place, "unread", &plain(&mistake.reason)));
    }
    // A verdict that rests on wrong gold may be worth nothing, so that it must not be green alone.
    for (gold, findings) in doubts(report) {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let lines: Vec<String> = findings.into_iter().map(doubt).collect();
            add(&gold.file, error(gold, "gold", &lines.join("\n")));
        }
    }
    for task in report.tasks.iter().filter(|task| task.trials == 0) {
        let mut status = TestCaseStatus::skipped();
        status.set_message("nobody tried this task");
        add(&task.gold.file, named(&words::task(report, task), &task.gold.file, status));
    }
    // JUnit has no place for what concerns the whole run.
    if let (Some(first), false) = (suites.values_mut().next(), report.notes.is_empty()) {
        report.notes.iter().for_each(|note| _ = first.add_property(("note", &*plain(note))));
    }
    let mut junit = quick_junit::Report::new(format!("incident-mcp {}", command(report.command)));
    junit.add_test_suites(suites.into_values());
    Ok(junit.to_string()?)
}

fn named(name: &str, file: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(&*plain(file));
    case
}

fn error(at: &Place, of: &str, text: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(of).set_message(cut(text, MESSAGE)).set_description(text);
    named(&place(at), &at.file, status)
}

fn case(report: &Report, trace: &TraceReport) -> TestCase {
    let replay = &trace.replay;
    let status = match is_good(report.command, trace) {
        true => TestCaseStatus::success(),
        false => failure(report, trace),
    };
    // Trials of one task may have one name.
    let name = format!("{}{}", plain(&replay.name), trial(replay));
    let mut case = named(&name, &replay.place.file, status);
    case.set_assertions(replay.calls.len());
    case.add_property(("place", place(&replay.place).as_str()));
    case.add_property(("policy", &*plain(&replay.policy)));
    case.add_property(("mode", replay.mode.name()));
    if let Some(mapping) = &replay.mapping {
        case.add_property(("mapping", &*plain(mapping)));
    }
    case.add_property(("hash", replay.hash.as_str()));
    case
}

fn failure(report: &Report, trace: &TraceReport) -> TestCaseStatus {
    let mut lines: Vec<String> = points::points(report, trace, VALUE).iter().flat_map(said).collect();
    lines.extend(trace.verdict.iter().flat_map(|verdict| &verdict.state.difference).map(points::cell));
    let title = match &trace.verdict {
        Some(Verdict { unfinished: Some(reason), .. }) => format!("unfinished: {}", plain(reason)),
        Some(verdict) => format!("does not hold: {}", points::failed(verdict).join(", ")),
        None => {
            let worst = points::points(report, trace, VALUE).into_iter().find(|point| point.bad);
            worst.and_then(|point| said(&point).into_iter().next()).unwrap_or_default()
        }
    };
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    // A run that broke off has not failed: CI tells errors apart from failures.
    let (kind, of) = match trace.verdict.as_ref().is_some_and(|verdict| verdict.unfinished.is_some()) {
        true => (NonSuccessKind::Error, UNFINISHED),
        false => (NonSuccessKind::Failure, command(report.command)),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of).set_message(cut(&title, MESSAGE)).set_description(lines.join("\n"));
    status
}

/// A point, line by line.
fn said(point: &Point<'_>) -> Vec<String> {
    let call = point.call.map_or(String::new(), |call| format!("call {call} "));
    let tool = point.tool.map_or(String::new(), |tool| format!("{} ", plain(tool)));
    let basis = Some(point.basis()).filter(|basis| !basis.is_empty()).map(|basis| format!("  {basis}"));
    let first = format!("{call}{tool}{}", point.sentence());
    let more = point.more.iter().map(|line| format!("  {line}"));
    std::iter::once(first).chain(basis).chain(more).collect()
}
