//! Reports made by hand, which together show everything that a report can hold.

mod graded;

pub use graded::grade;

use calls::Mode;
use evaluation::came::Came;
use evaluation::model::*;
use evaluation::totals::is_good;
use procedures::halt::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What could break out of a page, a table, a line or a terminal.
pub const ODD: &str = "</script><img src=x onerror=alert(1)> \"quoted\" 'single' `tick` | pipe\ttab\nline \u{1b}[31mred\u{1b}[0m & \u{2028} \u{0} ümläut @somebody #1 ]]> {{data}}";

/// A replay with every comparison, halts, violations, a mapping, and a file that could not be read.
pub fn replay() -> Report {
    let exact = Step {
        recorded: Some(found().into()),
        ..step(1, "find_incidents", json!({"incident_id": "27"}), "ok", found(), Comparison::Exact)
    };
    let canonical = Step {
        recorded: Some(json!({"changes_made": {"status": "resolved"}, "incident_id": "27"}).into()),
        changes: vec![changed(
            "incidents",
            "27",
            [
                ("resolved_at", json!(null), json!("2025-09-25T12:00:00")),
                ("status", json!("in_progress"), json!("resolved")),
            ],
        )],
        ..step(
            2,
            "update_incident",
            json!({"incident_id": "27", "changes": {"status": "resolved"}, "acting_user": "6"}),
            "ok",
            json!({"incident_id": "27", "changes_made": {"status": "resolved"}}),
            Comparison::Canonical,
        )
    };
    let different = Step {
        recorded: Some(json!({"metric_id": "41", "minutes": 12, "within_target": true}).into()),
        difference: Some(Box::new(AnswerDifference {
            pointer: "/within_target".to_owned(),
            recorded: json!(true).into(),
            replayed: json!(false).into(),
        })),
        changes: vec![changed(
            "performance_metrics",
            "41",
            [
                ("calculated_value_minutes", json!(null), json!(12)),
                ("incident_id", json!(null), json!("15")),
                ("metric_id", json!(null), json!("41")),
            ],
        )],
        ..step(
            3,
            "log_metric",
            json!({"incident_id": "15", "metric_type": "resolution_time", "calculated_value_minutes": 12}),
            "ok",
            json!({"metric_id": "41", "minutes": 12, "within_target": false}),
            Comparison::Different,
        )
    };
    let halted = Step {
        recorded: Some(json!({"metric_id": "42"}).into()),
        difference: Some(Box::new(AnswerDifference {
            pointer: String::new(),
            recorded: json!({"metric_id": "42"}).into(),
            replayed: halt(&not_closed()).into(),
        })),
        halt: Some(Box::new(not_closed())),
        ..step(
            4,
            "log_metric",
            json!({"incident_id": "27", "metric_type": "resolution_time", "calculated_value_minutes": 30}),
            "INCIDENT_NOT_CLOSED",
            halt(&not_closed()),
            Comparison::Different,
        )
    };
    let mut first = trace("close-and-measure", vec![exact, canonical, different, halted]);
    first.replay.unpaid = vec![duty(2)];

    let odd = Step {
        violations: vec![Broken { message: format!("It says {ODD}."), remedy: None, ..not_closed() }],
        changes: vec![changed("incident_updates", "9", [("note", json!("old \"note\""), json!(ODD))])],
        ..step(
            1,
            "add_incident_update",
            json!({"note": ODD, "list": [1, 2.5, null, true, {"deep": [ODD]}]}),
            "ok",
            json!({"note": ODD}),
            Comparison::Unrecorded,
        )
    };
    let long = step(
        2,
        "get_report",
        json!({"text": "word ".repeat(4_000)}),
        "ok",
        json!({"rows": (0..400).map(|row| json!({"row": row, "text": "a line of some length"})).collect::<Vec<_>>()}),
        Comparison::Ignored,
    );
    let mut second = trace(&format!("odd characters {ODD}"), vec![odd, long]);
    second.replay.mode = Mode::Observe;
    second.replay.comparison = Comparison::Unrecorded;
    second.replay.first_divergence = None;

    let mapped = Step {
        recorded: Some(json!([{"user_id": "6", "role": "incident_manager"}]).into()),
        mapped: Some(Box::new(Mapped {
            tool: "find_users".to_owned(),
            arguments: json!({"email": "ada@example.com"}).into(),
        })),
        ..step(
            1,
            "fetch_user",
            json!({"email": "ada@example.com"}),
            "ok",
            json!({"user_id": "6", "role": "incident_manager"}),
            Comparison::Shape,
        )
    };
    let refused = Step {
        recorded: Some(json!("Error: no such vendor").into()),
        ..step(
            2,
            "fetch_vendor",
            json!({"vendor_id": "999"}),
            "REFUSED",
            json!("Error: no such vendor"),
            Comparison::Exact,
        )
    };
    let mut third = trace("task-17", vec![mapped, refused]);
    third.replay.place = Place { file: "runs/gpt.jsonl".to_owned(), line: Some(3), pointer: String::new() };
    third.replay.policy = "it-incident-management".to_owned();
    third.replay.mode = Mode::Off;
    third.replay.mapping = Some("it-incident-management-2".to_owned());
    third.replay.unchanged = true;
    third.replay.comparison = Comparison::Shape;
    third.replay.first_divergence = None;

    let mut report = report(Command::Replay, vec![first, second, third]);
    report.mistakes = vec![
        Unread {
            place: Place { file: "runs/gpt.jsonl".to_owned(), line: Some(4), pointer: "/traj/2/tool_calls".to_owned() },
            reason: "a list of calls is expected, and this is a text".to_owned(),
        },
        Unread {
            place: Place { file: "runs/<empty>.json".to_owned(), ..Place::default() },
            reason: format!("the file is empty {ODD}"),
        },
    ];
    report
}

/// Gold with findings of every severity, and gold without any.
pub fn lint() -> Report {
    let mut bad = trace("task-4", replay().traces.remove(0).replay.calls);
    let finding = |severity, check: &str, call: Option<usize>, message: &str| Finding {
        severity,
        check: check.to_owned(),
        place: Place {
            pointer: call.map_or("/0".to_owned(), |call| format!("/0/actions/{}", call - 1)),
            ..bad.replay.place.clone()
        },
        call,
        tool: call.map(|_| "log_metric".to_owned()),
        rule: call.map(|_| "metric.incident-closed".to_owned()),
        clause: call.map(|_| "metric.2".to_owned()),
        message: message.to_owned(),
    };
    bad.findings = vec![
        finding(Severity::Error, "gold-halts", Some(4), "Incident 27 is in_progress; metrics are for closed ones."),
        finding(Severity::Warning, "output-unsupported", None, &format!("No call produces {ODD}.")),
        finding(Severity::Note, "gold-repeats", Some(1), "The same lookup is made again by call 3."),
    ];
    report(Command::Lint, vec![bad, simple("task-5")])
}

/// A replay of so many traces of ten calls, of which every seventh diverges.
pub fn large(traces: usize) -> Report {
    let one = |at: usize| {
        let calls = (1..=10).map(|call| {
            let wrong = at.is_multiple_of(7) && call == 6;
            let mut it = if wrong { replay().traces.remove(0).replay.calls.remove(3) } else { lookup(at, call) };
            it.call = call;
            it
        });
        let mut trace = trace(&format!("trace-{at:04}"), calls.collect());
        trace.replay.place.pointer = format!("/{at}");
        trace.replay.policy = ["all", "incident-operations", "problem-to-review"][at % 3].to_owned();
        trace
    };
    report(Command::Replay, (0..traces).map(one).collect())
}

fn lookup(at: usize, call: usize) -> Step {
    let tools = ["find_incidents", "find_users", "find_clients", "update_incident", "log_audit"];
    Step {
        recorded: Some(found().into()),
        ..step(
            call,
            tools[(at + call) % tools.len()],
            json!({"incident_id": at.to_string()}),
            "ok",
            found(),
            Comparison::Exact,
        )
    }
}

fn report(command: Command, traces: Vec<TraceReport>) -> Report {
    let mut totals = Totals { traces: traces.len(), ..Totals::default() };
    for trace in &traces {
        totals.good += usize::from(is_good(command, trace));
        totals.unfinished += usize::from(trace.replay.unfinished.is_some());
        totals.doubtful += usize::from(trace.verdict.as_ref().is_some_and(Verdict::is_doubtful));
        for step in &trace.replay.calls {
            let broken: Vec<&Broken> = step.halt.as_deref().into_iter().chain(&step.violations).collect();
            totals.calls += 1;
            *totals.comparisons.entry(step.comparison).or_default() += 1;
            *totals.outcomes.entry(step.outcome.clone()).or_default() += 1;
            broken.iter().for_each(|it| *totals.rules.entry(it.rule.clone()).or_default() += 1);
            let tool = totals.tools.entry(step.tool.clone()).or_default();
            let policy = totals.policies.entry(trace.replay.policy.clone()).or_default();
            for counted in [tool, policy] {
                counted.calls += 1;
                counted.broken += usize::from(!broken.is_empty());
                counted.different += usize::from(step.comparison == Comparison::Different);
            }
        }
        trace.findings.iter().for_each(|it| *totals.findings.entry(it.check.clone()).or_default() += 1);
    }
    let (tasks, pass_hat, pass_hat_tried, notes, mistakes, baseline) = Default::default();
    let program = "incident-mcp 0.1.0".to_owned();
    Report {
        format: REPORT.to_owned(),
        command,
        program,
        totals,
        traces,
        tasks,
        pass_hat,
        pass_hat_tried,
        notes,
        mistakes,
        baseline,
    }
}

fn trace(name: &str, calls: Vec<Step>) -> TraceReport {
    let different = calls.iter().find(|step| step.comparison == Comparison::Different);
    let replay = Replay {
        name: name.to_owned(),
        place: Place { file: "runs/measure.json".to_owned(), line: None, pointer: "/0".to_owned() },
        task: None,
        trial: None,
        unfinished: None,
        policy: "all".to_owned(),
        mode: Mode::Enforce,
        mapping: None,
        actor: Some("6".to_owned()),
        comparison: calls.iter().map(|step| step.comparison).max().unwrap_or(Comparison::Unrecorded),
        first_divergence: different.map(|step| step.call),
        notes: Vec::new(),
        skills: Vec::new(),
        unchanged: calls.iter().all(|step| step.changes.is_empty()),
        tokens: None,
        calls,
        unpaid: Vec::new(),
        hash: "5f0c954d7a1c8a6f6f1b4b5a09d8e3c2b1a09f8e7d6c5b4a39281706f5e4d3c2".to_owned(),
    };
    TraceReport { replay, verdict: None, findings: Vec::new() }
}

fn simple(name: &str) -> TraceReport {
    trace(name, replay().traces.remove(0).replay.calls.into_iter().take(2).collect())
}

fn trial_of(mut trace: TraceReport, task: &str, trial: u64) -> TraceReport {
    trace.replay.task = Some(task.to_owned());
    trace.replay.trial = Some(trial);
    trace
}

fn step(call: usize, tool: &str, arguments: Value, outcome: &str, answer: Value, comparison: Comparison) -> Step {
    Step {
        call,
        tool: tool.to_owned(),
        arguments: arguments.into(),
        mapped: None,
        came: Came::default(),
        outcome: outcome.to_owned(),
        answer: answer.into(),
        recorded: None,
        comparison,
        difference: None,
        halt: None,
        violations: Vec::new(),
        changes: Vec::new(),
    }
}

fn not_closed() -> Broken {
    Broken {
        kind: Kind::Rule,
        code: "INCIDENT_NOT_CLOSED".to_owned(),
        rule: "metric.incident-closed".to_owned(),
        clause: "metric.2".to_owned(),
        message: "Incident 27 is in_progress; metrics are recorded for closed incidents only.".to_owned(),
        remedy: Some("Pick a closed incident, or close this one first.".to_owned()),
    }
}

fn halt(broken: &Broken) -> Value {
    let Broken { kind: _, code, rule, clause, message, remedy } = broken;
    json!({"halt": true, "code": code, "rule": rule, "clause": clause, "message": message,
        "evidence": {"incident.status": "in_progress"}, "remedy": remedy})
}

fn found() -> Value {
    json!({"total": 1, "rows": [{"incident_id": "27", "title": "Core router drops packets", "severity": "P2",
        "status": "in_progress", "client_id": "4", "reporter_id": "12", "detected_at": "2025-09-25T08:10:00"}]})
}

fn duty(call: usize) -> Duty {
    let [action, entity_type, entity_id] = ["update", "incident", "27"].map(str::to_owned);
    Duty { call, action, entity_type, entity_id }
}

fn changed<const N: usize>(table: &str, key: &str, columns: [(&str, Value, Value); N]) -> RowChange {
    let columns: BTreeMap<_, _> = columns.map(|(name, before, after)| (name.to_owned(), (before, after))).into();
    RowChange { table: table.to_owned(), key: key.to_owned(), columns }
}
