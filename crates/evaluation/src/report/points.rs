//! What a reader must know of a trace: what went otherwise than it should, call by call.

use super::words::{count, place, plain, severity, value};
use crate::model::{
    Broken, Cell, Command, Comparison, Duty, Finding, Precheck, Replay, Report, Severity, SkillRead, Step, TraceReport,
    Verdict,
};
use crate::totals::is_good;
use serde_json::Value as Json;

/// Characters of a value within a sentence: as much as can be taken in at a glance.
pub const VALUE: usize = 160;

/// The result of a trial that did not come to its proper end, and the kind of the point that says why.
pub const UNFINISHED: &str = "unfinished";

/// What is added to a result that rests on gold with an error.
pub const DOUBTFUL: &str = ", gold in doubt";

/// One thing to know of a trace.
pub struct Point<'a> {
    /// Its kind, the first word of its sentence.
    pub kind: &'static str,
    /// Whether it tells against the trace.
    pub bad: bool,
    /// The number of the call, where it is one call's.
    pub call: Option<usize>,
    /// The call's tool.
    pub tool: Option<&'a str>,
    /// The rule that says so.
    pub rule: Option<&'a str>,
    /// The clause that says so.
    pub clause: Option<&'a str>,
    /// The rest of the sentence.
    pub text: String,
    /// What helps to understand it, line by line.
    pub more: Vec<String>,
}

impl Point<'_> {
    /// What there is to know.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.kind, self.text)
    }

    /// Rule and clause, where there are any.
    pub fn basis(&self) -> String {
        let rule = self.rule.map(|rule| format!("rule {}", plain(rule)));
        let clause = self.clause.map(|clause| format!("clause {}", plain(clause)));
        [rule, clause].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What a trace came to, in a word or two.
pub fn result(command: Command, trace: &TraceReport) -> String {
    match command {
        Command::Replay => match trace.replay.first_divergence {
            Some(_) => "diverges".to_owned(),
            None => super::words::comparison(trace.replay.comparison).to_owned(),
        },
        Command::Grade if trace.replay.unfinished.is_some() => UNFINISHED.to_owned(),
        Command::Grade => {
            let doubtful = trace.verdict.as_ref().is_some_and(Verdict::is_doubtful);
            let result = if is_good(command, trace) { "pass" } else { "fail" };
            format!("{result}{}", if doubtful { DOUBTFUL } else { "" })
        }
        Command::Lint if trace.findings.is_empty() => "clean".to_owned(),
        Command::Lint => {
            let of = |level| trace.findings.iter().filter(|finding| finding.severity == level).count();
            let levels = [Severity::Error, Severity::Warning, Severity::Note].map(|level| (of(level), severity(level)));
            let there = levels.into_iter().filter(|(number, _)| *number > 0);
            there.map(|(number, level)| count(number, level)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The parts of a verdict that do not hold.
pub fn failed(verdict: &Verdict) -> Vec<&'static str> {
    verdict.failed()
}

/// All there is to know of a trace, but for the cells of a verdict. When linting that is what was found, which says of
/// halts all that matters. Values are told up to `most` characters.
pub fn points<'a>(report: &Report, trace: &'a TraceReport, most: usize) -> Vec<Point<'a>> {
    let notes = trace.replay.notes.iter().map(|note| Point {
        bad: false,
        call: None,
        ..at_call("note", 0, plain(note).into_owned())
    });
    if report.command == Command::Lint {
        return trace.findings.iter().map(finding).chain(notes).collect();
    }
    let calls = trace.replay.calls.iter();
    let mut points: Vec<Point<'a>> = calls.flat_map(|step| of_call(report.command, step, most)).collect();
    if let Some(verdict) = &trace.verdict {
        of_verdict(trace, verdict, most, &mut points);
    } else {
        points.extend(trace.replay.unpaid.iter().map(|duty| unpaid(&trace.replay, duty, false)));
    }
    points.extend(trace.findings.iter().map(finding));
    points.extend(trace.replay.skills.iter().map(skill));
    points.extend(notes);
    points.extend(trace.replay.unfinished.iter().map(|reason| Point {
        bad: report.command == Command::Grade,
        call: None,
        ..at_call(UNFINISHED, 0, value(&Json::from(reason.as_str()), most))
    }));
    // By call, what is of none last, but that the run broke off before all; the order within a call stays.
    points.sort_by_key(|point| if point.kind == UNFINISHED { 0 } else { point.call.unwrap_or(usize::MAX) });
    points
}

/// What a skill that the agent had read told of what it broke.
fn skill(read: &SkillRead) -> Point<'_> {
    let uri = plain(&read.uri);
    let text = match (read.known, read.told.is_empty(), read.untold.is_empty()) {
        (false, ..) => format!("{uri} was read, of another policy or edition: what it told is not known"),
        (true, true, true) => format!("{uri} was read"),
        (true, true, false) => {
            format!("{uri} was read, which does not tell what was broken: {}", read.untold.join(", "))
        }
        (true, false, true) => format!("{uri} was read, which tells what was broken: {}", read.told.join(", ")),
        (true, false, false) => {
            format!(
                "{uri} was read, which tells what was broken: {}; but not {}",
                read.told.join(", "),
                read.untold.join(", ")
            )
        }
    };
    Point { bad: false, call: None, ..at_call("skill", 0, text) }
}

/// A cell that differs, in a sentence.
pub fn cell(cell: &Cell) -> String {
    let Cell { table, key, column, expected, actual } = cell;
    let at = plain(&format!("{table} {key} {column}")).into_owned();
    format!("{at}: expected {}, actual {}", value(expected, VALUE), value(actual, VALUE))
}

fn of_call(command: Command, step: &Step, most: usize) -> Vec<Point<'_>> {
    let mut points = Vec::new();
    if step.comparison == Comparison::Different {
        let (text, more) = match &step.difference {
            Some(there) => (
                at(&there.pointer),
                vec![
                    format!("recorded {}", value(&there.recorded.value(), most)),
                    format!("now      {}", value(&there.replayed.value(), most)),
                ],
            ),
            None => (at(""), Vec::new()),
        };
        points.push(Point { text, more, ..point("diverges", command == Command::Replay, step) });
    }
    if step.comparison == Comparison::Shape {
        let text = "in shape: a row alone on one side, a list of it on the other".to_owned();
        points.push(Point { text, ..point("diverges", command == Command::Replay, step) });
    }
    points.extend(step.halt.iter().map(|it| broken("halts", "with ", it, step.call, &step.tool)));
    points.extend(step.violations.iter().map(|it| broken("violates", "", it, step.call, &step.tool)));
    points
}

fn of_verdict<'a>(trace: &'a TraceReport, verdict: &'a Verdict, most: usize, points: &mut Vec<Point<'a>>) {
    let process = &verdict.process;
    for violation in &process.violations {
        // What halted, or would have, is among the calls already.
        let of_call = trace.replay.calls.iter().find(|step| step.call == violation.call);
        let told = of_call.is_some_and(|step| step.broken().any(|it| *it == violation.broken));
        if !told {
            points.push(broken("violates", "", &violation.broken, violation.call, &violation.tool));
        }
    }
    for it in &process.prechecks.missing {
        let Precheck { call, tool, table, key, rule, clause } = it;
        let read = match key {
            Some(key) => format!("{} {}, which was not read before", plain(table), plain(key)),
            None => format!("{}, which was not searched before", plain(table)),
        };
        points.push(Point {
            kind: "presumes",
            bad: true,
            call: Some(*call),
            tool: Some(tool),
            rule: Some(rule),
            clause: Some(clause),
            text: read,
            more: Vec::new(),
        });
    }
    points.extend(process.unpaid.iter().map(|duty| unpaid(&trace.replay, duty, true)));
    for retry in &process.retries {
        let text = format!("call {}, which halted with {}, unchanged", retry.of, plain(&retry.code));
        points.push(Point { tool: Some(&retry.tool), ..at_call("repeats", retry.call, text) });
    }
    for breach in &process.roles {
        let may = breach.roles.join(", ");
        let text = plain(&format!("a role: user {} is {}, and only {may} may", breach.actor, breach.role)).into_owned();
        let tool = Some(breach.tool.as_str());
        points.push(Point { tool, clause: Some(&breach.clause), ..at_call("oversteps", breach.call, text) });
    }
    for remark in &process.remarks {
        let bad = remark.severity == Severity::Error;
        let text = format!("a duty: {}", plain(&remark.message));
        points.push(Point { bad, tool: Some(&remark.tool), ..at_call("neglects", remark.call, text) });
    }
    for finding in &verdict.gold_findings {
        points.push(Point {
            call: None,
            rule: finding.rule.as_deref(),
            clause: finding.clause.as_deref(),
            more: vec![place(&finding.place)],
            bad: finding.severity == Severity::Error,
            ..at_call("gold", 0, super::words::doubt(finding))
        });
    }
    for text in &verdict.outputs.missing {
        points.push(Point {
            call: None,
            ..at_call("omits", 0, format!("the output {}", value(&Json::from(text.as_str()), most)))
        });
    }
}

fn point<'a>(kind: &'static str, bad: bool, step: &'a Step) -> Point<'a> {
    Point { bad, tool: Some(&step.tool), ..at_call(kind, step.call, String::new()) }
}

fn at_call<'a>(kind: &'static str, call: usize, text: String) -> Point<'a> {
    Point { kind, bad: true, call: Some(call), tool: None, rule: None, clause: None, text, more: Vec::new() }
}

fn broken<'a>(kind: &'static str, with: &str, broken: &'a Broken, call: usize, tool: &'a str) -> Point<'a> {
    let Broken { kind: _, code, rule, clause, message, remedy } = broken;
    Point {
        kind,
        // A halt is an answer; whether it is the right one, the comparison or the verdict says.
        bad: false,
        call: Some(call),
        tool: Some(tool),
        rule: Some(rule),
        clause: Some(clause),
        text: format!("{with}{}: {}", plain(code), plain(message)),
        more: remedy.iter().map(|remedy| plain(remedy).into_owned()).collect(),
    }
}

fn unpaid<'a>(replay: &'a Replay, duty: &Duty, bad: bool) -> Point<'a> {
    let tool = replay.calls.iter().find(|step| step.call == duty.call).map(|step| step.tool.as_str());
    let text = format!("the audit entry {} {} {}", duty.action, duty.entity_type, duty.entity_id);
    Point { bad, tool, ..at_call("owes", duty.call, plain(&text).into_owned()) }
}

fn finding(finding: &Finding) -> Point<'_> {
    Point {
        kind: severity(finding.severity),
        bad: finding.severity == Severity::Error,
        call: finding.call,
        tool: finding.tool.as_deref(),
        rule: finding.rule.as_deref(),
        clause: finding.clause.as_deref(),
        text: format!("{}: {}", plain(&finding.check), plain(&finding.message)),
        more: vec![place(&finding.place)],
    }
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { "in the whole answer".to_owned() } else { format!("at {}", plain(pointer)) }
}
