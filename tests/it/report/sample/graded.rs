//! A report of grading, with a verdict that goes wrong in every way, a run that broke off, and a baseline.

use super::{ODD, duty, not_closed, replay, report, simple, trace, trial_of};
use evaluation::baseline::model::*;
use evaluation::model::*;
use serde_json::{Value, json};

/// Two tasks in two trials each, one of which goes wrong in every way.
pub fn grade() -> Report {
    let pass = |name: &str, task: &str, trial| graded(trial_of(simple(name), task, trial), true);
    let mut wrong = trial_of(trace("measure #2", replay().traces.remove(0).replay.calls), "measure", 2);
    wrong.replay.unpaid = vec![duty(2)];
    let mut wrong = graded(wrong, false);
    if let Some(verdict) = &mut wrong.verdict {
        verdict.state.difference = cells(24);
        verdict.outputs = OutputVerdict {
            complete: false,
            required: vec!["closed".to_owned(), ODD.to_owned()],
            missing: vec![ODD.to_owned()],
            judged: true,
        };
        verdict.process = process();
        verdict.gold_findings = vec![gold_halts()];
    }
    let mut broken_off = pass("escalate", "escalate", 3);
    broken_off.replay.unfinished = Some(format!("max_steps {ODD}"));
    if let Some(verdict) = &mut broken_off.verdict {
        verdict.unfinished = broken_off.replay.unfinished.clone();
        verdict.pass = false;
    }
    let [first, second] = [1, 2].map(|trial| pass("escalate", "escalate", trial));
    let mut report = report(Command::Grade, vec![pass("measure", "measure", 1), wrong, first, second, broken_off]);
    let task = |task: &str, trials, passed, unfinished, pass_hat| TaskReport {
        task: task.to_owned(),
        gold: Place { file: "tasks.json".to_owned(), line: None, pointer: "/3".to_owned() },
        trials,
        passed,
        unfinished,
        pass_hat,
    };
    report.tasks = vec![
        task("measure", 2, 1, 0, vec![0.5, 0.0]),
        task("escalate", 3, 2, 1, vec![2.0 / 3.0, 1.0 / 3.0, 0.0]),
        task("measure", 0, 0, 0, vec![]),
    ];
    report.tasks[2].gold.file = "other/tasks.json".to_owned();
    report.pass_hat = vec![7.0 / 18.0, 1.0 / 9.0];
    report.pass_hat_tried = vec![7.0 / 12.0, 1.0 / 6.0];
    report.notes = vec![format!("b.json is the same file as a.json, and was read once {ODD}")];
    report.baseline = Some(baseline());
    report
}

/// A comparison that has something to say of everything.
fn baseline() -> Baseline {
    let trials = |passed| Trials { trials: 2, passed, flaky: passed == 1 };
    let pair = |task: &str, before, after, change, flipped| TaskPair {
        task: task.to_owned(),
        before: trials(before),
        after: trials(after),
        change,
        flipped,
    };
    let cost = |calls, tokens, counted| PerTrial { trials: 4, calls, tokens, counted };
    Baseline {
        kind: Kind::PolicyEdition,
        pass: PassDifference {
            tasks: 2,
            before: 0.5,
            after: 0.75,
            difference: 0.25,
            low: -0.7,
            high: 0.9,
            confidence: 0.95,
        },
        bound: 0.125,
        regression: false,
        doubts: vec![Place { file: "tasks.json".to_owned(), line: None, pointer: "/3".to_owned() }],
        tasks: vec![
            pair("measure", 2, 1, Change::Worse, false),
            pair("escalate", 0, 2, Change::Better, true),
            pair(ODD, 2, 2, Change::Same, false),
        ],
        only_before: vec![ODD.to_owned()],
        only_after: vec!["hand-over".to_owned()],
        rules: vec![RuleDifference {
            rule: "metric.incident-closed".to_owned(),
            clause: "metric.2".to_owned(),
            before: Breaks { calls: 3, trials: 2 },
            after: Breaks { calls: 1, trials: 1 },
        }],
        cost: Cost { before: cost(4.25, None, 0), after: cost(3.5, Some(1200.5), 2) },
        moved: vec![Moved {
            trace: ODD.to_owned(),
            place: Place { file: "runs/measure.json".to_owned(), line: None, pointer: "/0".to_owned() },
            task: Some("measure".to_owned()),
            before: "pass".to_owned(),
            after: "fail: state".to_owned(),
            no_longer_broken: vec![],
            newly_broken: vec!["metric.incident-closed".to_owned()],
        }],
        editions: vec![Edition { policy: "all".to_owned(), before: "0a".repeat(32), after: "1b".repeat(32) }],
        notes: vec![format!("policy {ODD} is the same in both editions")],
    }
}

fn graded(mut trace: TraceReport, pass: bool) -> TraceReport {
    let replay = &trace.replay;
    let expected = if pass { replay.hash.clone() } else { "0a".repeat(32) };
    trace.verdict = Some(Verdict {
        format: VERDICT.to_owned(),
        trace: replay.name.clone(),
        place: replay.place.clone(),
        task: replay.task.clone(),
        trial: replay.trial,
        gold: Place { file: "tasks.json".to_owned(), line: None, pointer: "/3".to_owned() },
        gold_findings: Vec::new(),
        pass,
        unfinished: None,
        state: StateVerdict { equal: pass, expected, actual: replay.hash.clone(), difference: Vec::new() },
        outputs: OutputVerdict { complete: true, ..OutputVerdict::default() },
        process: ProcessVerdict {
            compliant: true,
            prechecks: Prechecks { needed: 2, made: 2, missing: Vec::new() },
            ..ProcessVerdict::default()
        },
    });
    trace
}

fn gold_halts() -> Finding {
    Finding {
        severity: Severity::Error,
        check: "gold-halts".to_owned(),
        place: Place { file: "tasks.json".to_owned(), line: None, pointer: "/3/actions/0".to_owned() },
        call: Some(1),
        tool: Some("log_metric".to_owned()),
        rule: Some("metric.incident-closed".to_owned()),
        clause: Some("metric.2".to_owned()),
        message: format!("Incident 27 is in_progress {ODD}."),
    }
}

fn cells(number: usize) -> Vec<Cell> {
    let cell = |table: &str, key: &str, column: &str, expected, actual| Cell {
        table: table.to_owned(),
        key: key.to_owned(),
        column: column.to_owned(),
        expected,
        actual,
    };
    let first = [
        cell("incidents", "27", "status", json!("closed"), json!("resolved")),
        cell("incident_updates", "77", "note", json!(ODD), Value::Null),
    ];
    let rest = (0..number - first.len())
        .map(|at| cell("performance_metrics", &(41 + at).to_string(), "target_minutes", Value::Null, json!(at * 15)));
    first.into_iter().chain(rest).collect()
}

fn process() -> ProcessVerdict {
    ProcessVerdict {
        compliant: false,
        violations: vec![
            Violation { call: 4, tool: "log_metric".to_owned(), broken: not_closed() },
            Violation {
                call: 2,
                tool: "update_incident".to_owned(),
                broken: Broken {
                    kind: procedures::halt::Kind::Forbidden,
                    code: "ROLE_NOT_ALLOWED".to_owned(),
                    rule: "access.role".to_owned(),
                    clause: "access.5".to_owned(),
                    message: "User 12 is a viewer; incidents are changed by technical support.".to_owned(),
                    remedy: None,
                },
            },
        ],
        prechecks: Prechecks {
            needed: 3,
            made: 1,
            missing: [Some("15"), None]
                .map(|key| Precheck {
                    call: 3,
                    tool: "log_metric".to_owned(),
                    table: "incidents".to_owned(),
                    key: key.map(str::to_owned),
                    rule: "metric.incident-closed".to_owned(),
                    clause: "metric.2".to_owned(),
                })
                .to_vec(),
        },
        unpaid: vec![duty(2)],
        retries: vec![Retry { call: 4, of: 3, tool: "log_metric".to_owned(), code: "INCIDENT_NOT_CLOSED".to_owned() }],
        roles: vec![RoleBreach {
            call: 2,
            tool: "update_incident".to_owned(),
            actor: "12".to_owned(),
            role: "viewer".to_owned(),
            roles: vec!["incident_manager".to_owned(), "technical_support".to_owned()],
            clause: "access.5".to_owned(),
        }],
        remarks: vec![Remark {
            call: 2,
            tool: "update_incident".to_owned(),
            check: "change-without-record".to_owned(),
            severity: Severity::Error,
            message: "status of incident 12 became closed, and no update record tells of it".to_owned(),
        }],
    }
}
