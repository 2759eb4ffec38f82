//! Which runs are graded, against which gold, and what is counted of them.

use crate::support::evaluation::{choice, done};
use incident_mcp::evaluation::model::Command;
use incident_mcp::trace::format;
use incident_mcp::trace::{Document, Item};
use serde_json::{Value, json};

/// What tau-bench's files hold: tasks, or runs of them.
fn document(file: &str, items: Value) -> Document {
    format::read(&items.to_string(), file).unwrap()
}

/// A task whose gold looks and changes nothing.
fn look(id: &str) -> Value {
    let arguments = json!({"incident_id": "16", "acting_user": "6"});
    json!({"id": id, "user_id": "6", "instruction": "Look.", "outputs": [],
        "actions": [{"name": "find_incidents", "arguments": arguments}]})
}

/// A run in which nothing is called.
fn idle(task: &str, trial: u64) -> Value {
    json!({"task_id": task, "trial": trial, "traj": [{"role": "assistant", "content": "Done."}]})
}

/// Gold leaves the state as it was, so that what never began would pass.
#[test]
fn a_run_that_broke_off_never_passes() {
    let mut trials = document("trials.json", json!([idle("look", 0), idle("look", 1)]));
    if let Item::Trace(trace) = &mut trials.items[1] {
        trace.unfinished = Some("max_steps".to_owned());
    }
    let report = done(Command::Grade, choice(), &[trials], Some(vec![document("tasks.json", json!([look("look")]))]));
    let results = report.traces.iter().filter_map(|trace| trace.verdict.as_ref());
    let results: Vec<_> = results.map(|verdict| (verdict.pass, verdict.unfinished.as_deref())).collect();
    assert_eq!(results, [(true, None), (false, Some("max_steps"))]);
    assert_eq!((report.totals.good, report.totals.unfinished), (1, 1));
    let task = &report.tasks[0];
    assert_eq!((task.trials, task.passed, task.unfinished, report.pass_hat.clone()), (2, 1, 1, vec![0.5, 0.0]));
}

#[test]
fn gold_that_broke_off_is_wrong() {
    let mut gold = document("gold.json", json!([idle("look", 0)]));
    if let Item::Trace(trace) = &mut gold.items[0] {
        trace.unfinished = Some("max_steps".to_owned());
    }
    let report = done(Command::Lint, choice(), &[gold], None);
    let checks: Vec<_> = report.traces[0].findings.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!(checks, ["gold-unfinished"]);
}
