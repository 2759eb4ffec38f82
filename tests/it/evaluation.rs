//! Replaying, grading and linting, seen from the library.

use crate::support;
use crate::support::evaluation::{choice, done};
use calls::{Episode, Mode, Settings};
use evaluation::compare::Closeness;
use evaluation::lint::CHECKS;
use evaluation::model::{Command, Comparison, Report};
use evaluation::stages::Choice;
use procedures::policy::Audit;
use serde_json::{Map, Value, json};
use std::path::Path;
use store::canonical::Extent;
use traces::format::{self, Format};
use traces::{Document, Trace};

fn read(file: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    format::read(&std::fs::read_to_string(path).unwrap(), file).unwrap()
}

/// What a grader says of each trial, a line or more.
fn verdicts(report: &Report) -> String {
    let mut text = String::new();
    for trace in &report.traces {
        let verdict = trace.verdict.as_ref().unwrap();
        let (state, process) = (&verdict.state, &verdict.process);
        text += &format!("{}: {}\n", verdict.trace, if verdict.pass { "pass" } else { "fail" });
        let mut line = |what: String| text += &format!("  {what}\n");
        for cell in &state.difference {
            let place = format!("{} {} {}", cell.table, cell.key, cell.column);
            line(format!("{place}: {} expected, {} actual", cell.expected, cell.actual));
        }
        verdict.outputs.missing.iter().for_each(|output| line(format!("not told: {output}")));
        for violation in &process.violations {
            line(format!("call {} breaks {} ({})", violation.call, violation.broken.rule, violation.broken.clause));
        }
        for look in &process.prechecks.missing {
            let key = look.key.as_deref().unwrap_or("any");
            line(format!("call {} did not read {} {key} for {}", look.call, look.table, look.rule));
        }
        for duty in &process.unpaid {
            line(format!("call {} owes {} {} {}", duty.call, duty.action, duty.entity_type, duty.entity_id));
        }
        for retry in &process.retries {
            line(format!("call {} repeats call {}: {}", retry.call, retry.of, retry.code));
        }
        for breach in &process.roles {
            line(format!("call {} as {}, which {} may", breach.call, breach.role, breach.roles.join(", ")));
        }
    }
    for task in &report.tasks {
        text += &format!("{}: {} of {}, pass^k {:.3?}\n", task.task, task.passed, task.trials, task.pass_hat);
    }
    text + &format!("all: pass^k {:.3?}\n", report.pass_hat)
}

#[test]
fn the_example_trials_are_graded() {
    let (tasks, trials) = (read("examples/grading/tasks.json"), read("examples/grading/trials.json"));
    let report = done(Command::Grade, choice(), &[trials], Some(vec![tasks]));
    assert_eq!(report.mistakes, []);
    insta::assert_snapshot!(verdicts(&report));
}

#[test]
fn the_example_tasks_have_nothing_wrong() {
    let report = done(Command::Lint, choice(), &[read("examples/grading/tasks.json")], None);
    assert_eq!((report.totals.good, report.totals.traces), (2, 2));
    assert!(report.totals.findings.is_empty(), "{:?}", report.totals.findings);
    assert_eq!(report.totals.comparisons.keys().collect::<Vec<_>>(), [&Comparison::Exact]);
}

/// Every check of the linter that a policy without a mapping can fail.
#[test]
fn wrong_tasks_are_found_out() {
    let report = done(Command::Lint, choice(), &[read("tests/it/data/wrong-tasks.json")], None);
    let lines = report.traces.iter().flat_map(|trace| &trace.findings).map(|finding| {
        let rule = finding.rule.as_ref().zip(finding.clause.as_ref());
        let rule = rule.map_or(String::new(), |(rule, clause)| format!(" [{rule}, {clause}]"));
        format!("{} {:?} {}{rule}: {}\n", finding.place.pointer, finding.severity, finding.check, finding.message)
    });
    insta::assert_snapshot!(lines.collect::<String>());
}

#[test]
fn every_check_is_documented() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evaluation.md")).unwrap();
    for (check, severity, about) in CHECKS {
        let row = format!("| `{check}` | {} | {about} |", format!("{severity:?}").to_lowercase());
        assert!(document.contains(&row), "docs/evaluation.md lacks {row}");
    }
}

/// A trial of calls, without answers.
fn trial(calls: &[(&str, Value)]) -> Document {
    let calls: Vec<Value> = (calls.iter().enumerate())
        .map(|(at, (tool, arguments))| {
            let function = json!({"name": tool, "arguments": arguments.to_string()});
            json!({"id": at.to_string(), "type": "function", "function": function})
        })
        .collect();
    let text = json!({"messages": [{"role": "assistant", "tool_calls": calls}]}).to_string();
    format::read(&text, "trial.json").unwrap()
}

fn of_user(id: &str) -> Choice {
    Choice { actor: Some(id.to_owned()), ..choice() }
}

#[test]
fn a_repeated_halt_is_a_retry_unless_something_was_written_between() {
    let metric = || {
        let metric_type = "resolution_time";
        ("log_metric", json!({"incident_id": "16", "metric_type": metric_type, "calculated_value_minutes": 2940}))
    };
    let close = ("update_incident", json!({"incident_id": "16", "change_set": {"status": "closed"}}));
    let look = ("find_incidents", json!({"incident_id": "16"}));
    // The same arguments in another order.
    let again = || {
        let metric_type = "resolution_time";
        ("log_metric", json!({"calculated_value_minutes": 2940, "metric_type": metric_type, "incident_id": "16"}))
    };
    for (calls, expected) in [
        (vec![metric(), metric()], vec![(2, 1)]),
        (vec![metric(), look.clone(), metric()], vec![(3, 1)]),
        (vec![metric(), again(), metric()], vec![(2, 1), (3, 2)]),
        (vec![metric(), close.clone(), metric()], vec![]),
        (vec![look.clone(), look], vec![]),
        (vec![close.clone(), close], vec![]),
    ] {
        let trial = trial(&calls);
        let report = done(Command::Grade, of_user("6"), std::slice::from_ref(&trial), Some(vec![trial.clone()]));
        let verdict = report.traces[0].verdict.as_ref().unwrap();
        let found: Vec<_> = verdict.process.retries.iter().map(|retry| (retry.call, retry.of)).collect();
        assert_eq!(found, expected, "{calls:?}");
    }
}

/// The state is compared as the environment left it, and the process is judged all the same.
#[test]
fn without_rules_the_process_is_judged_too() {
    let trial = trial(&[(
        "create_client",
        json!({
            "client_name": "Gull & Sons", "registration_number": "R-9", "contact_email": "office@gull.example",
            "client_type": "small_business", "industry": "Trade", "country": "Norway",
        }),
    )]);
    for (mode, equal, roles) in [(Mode::Off, true, 1), (Mode::Observe, true, 1), (Mode::Enforce, true, 1)] {
        let choice = Choice { mode: Some(mode), ..of_user("12") };
        let report = done(Command::Grade, choice, std::slice::from_ref(&trial), Some(vec![trial.clone()]));
        let verdict = report.traces[0].verdict.as_ref().unwrap();
        assert_eq!((verdict.state.equal, verdict.process.roles.len()), (equal, roles), "{mode:?}");
        let breach = &verdict.process.roles[0];
        assert_eq!((breach.actor.as_str(), breach.role.as_str()), ("12", "technical_support"));
        assert!(!verdict.process.compliant);
    }
}

#[test]
fn a_trial_without_gold_is_named() {
    let gold = read("examples/grading/tasks.json");
    let report = done(Command::Grade, of_user("6"), &[trial(&[])], Some(vec![gold]));
    assert!(report.traces.is_empty());
    let reason = &report.mistakes[0].reason;
    assert_eq!(reason, "there is no task or trace \"trial\" to compare it with; name gold with --against FILE");
}

/// An episode as it is recorded: its own journal, in each mode and each way of auditing.
#[test]
fn a_journal_replays_to_the_byte() {
    let calls = [
        ("find_incidents", json!({"status": "resolved"})),
        (
            "log_metric",
            json!({"incident_id": "16", "metric_type": "resolution_time", "calculated_value_minutes": 2940}),
        ),
        ("update_incident", json!({"incident_id": "16", "change_set": {"status": "closed"}})),
        ("update_incident", json!({"incident_id": "16", "change_set": {"status": "shut"}})),
        (
            "log_metric",
            json!({"incident_id": "16", "metric_type": "resolution_time", "calculated_value_minutes": 2940}),
        ),
    ];
    for mode in Mode::ALL {
        for audit in [Audit::Explicit, Audit::Automatic, Audit::None] {
            let settings = Settings { mode, audit: Some(audit), actor: Some("6".to_owned()), clock: None };
            let mut episode = Episode::on_image(support::policy("all"), support::image(), &settings).unwrap();
            for (tool, arguments) in &calls {
                episode.call(tool, arguments.as_object().cloned().unwrap_or(Map::new())).unwrap();
            }
            let trace = Trace { calls: episode.calls(0).unwrap(), ..episode.header("recorded").unwrap() };
            let journal = format::write(Format::Ndjson, &[trace]).unwrap();
            let document = format::read(&journal, "recorded.ndjson").unwrap();
            let exact = Choice { answers: Closeness::Exact, ..choice() };
            let report = done(Command::Replay, exact, &[document], None);
            let replay = &report.traces[0].replay;
            assert_eq!((replay.first_divergence, replay.comparison), (None, Comparison::Exact), "{mode:?} {audit:?}");
            assert_eq!(replay.hash, episode.hash(Extent::Result).unwrap().state, "{mode:?} {audit:?}");
            assert_eq!((replay.mode, replay.actor.as_deref()), (mode, Some("6")));
            assert!(replay.notes.is_empty(), "{:?}", replay.notes);
        }
    }
}

#[test]
fn the_first_divergence_is_named() {
    let journal = json!({"format": "incident-mcp/journal/1", "name": "j", "policy": "all", "actor": "6", "clock": "2020-01-01T00:00:00"});
    let call = |number: u32, name: &str| {
        let answer = json!({"count": 1, "users": [{"user_id": "6", "name": name, "role": "incident_manager", "status": "active"}]});
        json!({"call": number, "tool": "find_users", "arguments": {"user_id": "6"}, "answer": answer, "outcome": "ok"})
    };
    let text = format!("{journal}\n{}\n{}\n", call(1, "Amara Osei"), call(2, "Somebody"));
    let report = done(Command::Replay, choice(), &[format::read(&text, "j").unwrap()], None);
    let replay = &report.traces[0].replay;
    assert_eq!((replay.first_divergence, report.totals.good), (Some(2), 0));
    let difference = replay.calls[1].difference.as_ref().unwrap();
    assert_eq!((difference.pointer.as_str(), difference.recorded.value()), ("/users/0/name", json!("Somebody")));
    assert_eq!(replay.notes, ["recorded with the clock 2020-01-01T00:00:00, run with 2025-09-25T12:00:00"]);
    let ignored = Choice { answers: Closeness::Ignored, ..choice() };
    let report = done(Command::Replay, ignored, &[format::read(&text, "j").unwrap()], None);
    assert_eq!((report.traces[0].replay.comparison, report.totals.good), (Comparison::Ignored, 1));
}

/// Traces run side by side, and the report is the same as when they run one after the other.
#[test]
fn a_report_does_not_depend_on_how_many_cores_there_are() {
    let documents: Vec<Document> = (0..20).map(|_| read("examples/grading/trials.json")).collect();
    let gold = || Some(vec![read("examples/grading/tasks.json")]);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let report = pool.install(|| done(Command::Grade, choice(), &documents, gold()));
        serde_json::to_string(&report).unwrap()
    };
    assert_eq!(on(1), on(4));
}
