//! A report for CI: a suite for each file, a case for each trace, and a failure where it is not good.

use super::Error;
use super::points::{self, Point, UNFINISHED, VALUE};
use super::words::{command, cut, place, trial};
use crate::evaluation::model::{Report, TraceReport, Verdict};
use crate::evaluation::totals::is_good;
use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// Lines of a failure's text: CI shows them as they are, and beyond some hundred nobody reads on.
const LINES: usize = 200;

/// Characters of a failure's message, which CI shows as a title.
const MESSAGE: usize = 200;

/// The whole document. It has no times, so that the same run gives the same text.
pub fn render(report: &Report) -> Result<String, Error> {
    let mut suites: IndexMap<&str, TestSuite> = IndexMap::new();
    for trace in &report.traces {
        let file = trace.replay.place.file.as_str();
        suites.entry(file).or_insert_with(|| TestSuite::new(file)).add_test_case(case(report, trace));
    }
    for mistake in &report.mistakes {
        let file = mistake.place.file.as_str();
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("unread").set_message(cut(&mistake.reason, MESSAGE)).set_description(mistake.reason.as_str());
        let mut unread = TestCase::new(place(&mistake.place), status);
        unread.set_classname(file);
        suites.entry(file).or_insert_with(|| TestSuite::new(file)).add_test_case(unread);
    }
    let mut junit = quick_junit::Report::new(format!("incident-mcp {}", command(report.command)));
    junit.add_test_suites(suites.into_values());
    Ok(junit.to_string()?)
}

fn case(report: &Report, trace: &TraceReport) -> TestCase {
    let replay = &trace.replay;
    let status = match is_good(report.command, trace) {
        true => TestCaseStatus::success(),
        false => failure(report, trace),
    };
    // Trials of one task may have one name.
    let mut case = TestCase::new(format!("{}{}", replay.name, trial(replay)), status);
    case.set_classname(replay.place.file.as_str()).set_assertions(replay.calls.len());
    case.add_property(("place", place(&replay.place).as_str()));
    case.add_property(("policy", replay.policy.as_str()));
    case.add_property(("mode", replay.mode.name()));
    if let Some(mapping) = &replay.mapping {
        case.add_property(("mapping", mapping.as_str()));
    }
    case.add_property(("hash", replay.hash.as_str()));
    case
}

fn failure(report: &Report, trace: &TraceReport) -> TestCaseStatus {
    let mut lines: Vec<String> = points::points(report, trace, VALUE).iter().flat_map(said).collect();
    lines.extend(trace.verdict.iter().flat_map(|verdict| &verdict.state.difference).map(points::cell));
    let title = match &trace.verdict {
        Some(Verdict { unfinished: Some(reason), .. }) => format!("unfinished: {reason}"),
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
    let tool = point.tool.map_or(String::new(), |tool| format!("{tool} "));
    let basis = Some(point.basis()).filter(|basis| !basis.is_empty()).map(|basis| format!("  {basis}"));
    let first = format!("{call}{tool}{}", point.sentence());
    let more = point.more.iter().map(|line| format!("  {line}"));
    std::iter::once(first).chain(basis).chain(more).collect()
}
