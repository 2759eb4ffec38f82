//! Which runs are graded, against which gold, and what is counted of them.

use crate::support::evaluation::{choice, done};
use evaluation::model::{Command, Report};
use evaluation::{Request, run};
use serde_json::{Value, json};
use traces::format;
use traces::{Document, Item, Source};

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
    assert_eq!(checks, ["gold-unfinished", "changes-nothing"]);
}

fn graded(trials: &[Document], gold: Option<Vec<Document>>) -> Report {
    done(Command::Grade, choice(), trials, gold)
}

/// Tasks: name, trials, trials that pass.
fn tasks(report: &Report) -> Vec<(&str, usize, usize)> {
    report.tasks.iter().map(|task| (task.task.as_str(), task.trials, task.passed)).collect()
}

fn reasons(report: &Report) -> Vec<&str> {
    report.mistakes.iter().map(|mistake| mistake.reason.as_str()).collect()
}

/// A task whose gold adds a note.
fn note(id: &str, note: &str) -> Value {
    json!({"id": id, "user_id": "6", "instruction": "Note it.", "outputs": [], "actions": [added(note)]})
}

fn added(note: &str) -> Value {
    json!({"name": "add_incident_update", "arguments": {"incident_id": "16", "note": note, "acting_user": "6"}})
}

/// A run that adds a note.
fn noted(task: &str, trial: Option<u64>, note: &str) -> Value {
    let arguments = added(note)["arguments"].to_string();
    let call =
        json!({"id": "c", "type": "function", "function": {"name": "add_incident_update", "arguments": arguments}});
    let mut run = json!({"task_id": task, "traj": [{"role": "assistant", "tool_calls": [call]}]});
    if let Some(trial) = trial {
        run["trial"] = json!(trial);
    }
    run
}

#[test]
fn gold_is_never_a_trial() {
    let gold = || document("tasks.json", json!([note("a", "x")]));
    let runs = || document("runs.json", json!([noted("a", Some(0), "x"), noted("a", Some(1), "y")]));
    // Beside the runs, named, both, and in one file with them.
    let together = document("all.json", json!([note("a", "x"), noted("a", Some(0), "x"), noted("a", Some(1), "y")]));
    for (trials, against) in [
        (vec![gold(), runs()], None),
        (vec![runs()], Some(vec![gold()])),
        (vec![gold(), runs()], Some(vec![gold()])),
        (vec![together.clone()], None),
        (vec![together.clone()], Some(vec![together])),
    ] {
        let report = graded(&trials, against);
        assert_eq!((tasks(&report), report.pass_hat.clone()), (vec![("a", 2, 1)], vec![0.5, 0.0]));
    }
    // A recorded run that is held to be right is no trial either.
    let right = document("right.json", json!([noted("a", Some(7), "x")]));
    let report = graded(&[right.clone(), runs()], Some(vec![right]));
    assert_eq!((tasks(&report), report.notes.len()), (vec![("a", 2, 1)], 1));
}

#[test]
fn tasks_stand_for_runs_only_where_there_is_nothing_else_and_that_is_said() {
    let gold = || document("tasks.json", json!([note("a", "x")]));
    for against in [None, Some(vec![gold()])] {
        let report = graded(&[gold()], against);
        assert_eq!((tasks(&report), report.notes.len()), (vec![("a", 1, 1)], 1), "{:?}", report.notes);
        assert!(report.notes[0].starts_with("there is no run"), "{:?}", report.notes);
    }
    // What could not be read may have been the runs.
    let mistake = Source { file: "runs.json".into(), ..Source::default() }.mistake("is no JSON");
    let request = Request { command: Command::Grade, choice: choice(), gold: None, strict: false };
    let report = run(&request, &[gold()], vec![mistake], |_| {}, || {});
    assert_eq!((report.traces.len(), report.mistakes.len()), (0, 1));
}

#[test]
fn gold_of_the_own_file_comes_first() {
    let file = |name: &str, text: &str| document(name, json!([note("0", text), noted("0", Some(0), text)]));
    let report = graded(&[file("first.json", "x"), file("second.json", "y")], None);
    assert_eq!((tasks(&report), report.pass_hat.clone()), (vec![("0", 1, 1), ("0", 1, 1)], vec![1.0]));
    let files: Vec<&str> = report.tasks.iter().map(|task| task.gold.file.as_str()).collect();
    assert_eq!(files, ["first.json", "second.json"]);
}

#[test]
fn one_task_that_many_files_hold_is_one() {
    let file = |name: &str, trial| document(name, json!([note("0", "x"), noted("0", Some(trial), "x")]));
    let report = graded(&[file("first.json", 0), file("second.json", 1)], None);
    assert_eq!(tasks(&report), [("0", 2, 2)]);
}

#[test]
fn gold_that_could_be_meant_in_two_ways_is_refused() {
    let file = |name: &str, text: &str| document(name, json!([note("0", text)]));
    let golds = vec![file("first.json", "x"), file("second.json", "y")];
    let trials = [document("runs.json", json!([noted("0", Some(0), "x")]))];
    let report = graded(&trials, Some(golds));
    assert!(report.traces.is_empty());
    let [reason] = reasons(&report)[..] else { panic!("{:?}", report.mistakes) };
    assert!(reason.contains("first.json /0, second.json /0"), "{reason}");
}

#[test]
fn two_tasks_of_one_id_in_one_file_are_a_mistake() {
    let mut told = note("0", "x");
    told["outputs"] = json!(["16"]);
    for second in [note("0", "y"), told] {
        let gold = document("tasks.json", json!([note("0", "x"), second]));
        let runs = document("runs.json", json!([noted("0", Some(0), "x")]));
        let lint = done(Command::Lint, choice(), std::slice::from_ref(&gold), None);
        let report = graded(&[runs], Some(vec![gold]));
        for report in [&lint, &report] {
            let first = &report.mistakes[0];
            assert_eq!(first.place.pointer, "/1");
            assert!(first.reason.contains("tasks.json /0, and holds something else"), "{}", first.reason);
        }
        // And a trial is compared with neither.
        assert_eq!((report.traces.len(), report.mistakes.len()), (0, 2));
    }
}

#[test]
fn a_trial_counts_once() {
    let gold = || Some(vec![document("tasks.json", json!([note("a", "x")]))]);
    let file = |name: &str, text: &str| document(name, json!([noted("a", Some(0), text)]));
    let report = graded(&[file("one.json", "x"), file("two.json", "x")], gold());
    assert_eq!((tasks(&report), reasons(&report)), (vec![("a", 1, 1)], vec![]));
    assert_eq!(report.notes, ["two.json /0 is the same trial as one.json /0, and counts once"]);
    // Only one of two runs can be that trial, and which is not for us to say.
    let report = graded(&[file("one.json", "x"), file("two.json", "y"), file("three.json", "x")], gold());
    assert_eq!((tasks(&report), report.mistakes.len()), (vec![("a", 0, 0)], 3));
    assert!(report.mistakes[0].reason.contains("two.json /0"), "{}", report.mistakes[0].reason);
}

/// A file that was copied does not count again, though nothing numbers its runs; but a harness that writes a run twice made two.
#[test]
fn a_copy_counts_once() {
    let gold = || Some(vec![document("tasks.json", json!([note("a", "x"), note("b", "x")]))]);
    let (x, y, z) = (noted("a", None, "x"), noted("a", None, "y"), noted("b", None, "x"));
    let file = |name: &str, runs: &[&Value]| document(name, json!(runs));
    for (files, counted, notes) in [
        (vec![file("1.json", &[&x, &y, &z]), file("2.json", &[&x, &y, &z])], vec![("a", 2, 1), ("b", 1, 1)], 3),
        (vec![file("1.json", &[&x, &z]), file("2.json", &[&y, &x])], vec![("a", 2, 1), ("b", 1, 1)], 1),
        (vec![file("1.json", &[&x, &x, &z])], vec![("a", 2, 2), ("b", 1, 1)], 0),
        (vec![file("1.json", &[&x, &x, &z]), file("2.json", &[&x, &x, &x])], vec![("a", 3, 3), ("b", 1, 1)], 2),
        // A number makes it another trial.
        (
            vec![file("1.json", &[&x, &z]), file("2.json", &[&noted("a", Some(4), "x")])],
            vec![("a", 2, 2), ("b", 1, 1)],
            0,
        ),
    ] {
        let report = graded(&files, gold());
        assert_eq!((tasks(&report), report.notes.len()), (counted, notes), "{:?}", report.notes);
        assert!(report.notes.iter().all(|note| note.contains("is a copy of 1.json /")), "{:?}", report.notes);
    }
    // So do conversations that name no task.
    let said = || document("1.json", json!({"messages": [{"role": "assistant", "content": "Done."}]}));
    let other = document("2.json", json!({"messages": [{"role": "assistant", "content": "Done."}]}));
    let report = graded(&[said(), other], Some(vec![document("tasks.json", json!([note("a", "x")]))]));
    assert_eq!((report.totals.traces, report.notes.len()), (1, 1));
}

#[test]
fn runs_that_their_harness_does_not_number_are_numbered() {
    let gold = || Some(vec![document("tasks.json", json!([note("a", "x"), note("b", "x")]))]);
    let one = document("one.json", json!([noted("a", None, "x"), noted("b", None, "x"), noted("a", Some(0), "y")]));
    let two = document("two.json", json!([noted("a", None, "y")]));
    let report = graded(&[one, two], gold());
    let numbers: Vec<Option<u64>> = report.traces.iter().map(|trace| trace.replay.trial).collect();
    assert_eq!(numbers, [Some(1), None, Some(0), Some(2)]);
    assert_eq!(tasks(&report), [("a", 3, 1), ("b", 1, 1)]);
}

#[test]
fn tasks_that_nobody_tried_are_told_and_counted() {
    let gold = vec![document("tasks.json", json!([note("a", "x"), note("b", "x"), note("c", "x")]))];
    let runs = document("runs.json", json!([noted("b", Some(0), "x")]));
    let report = graded(&[runs], Some(gold));
    assert_eq!(tasks(&report), [("b", 1, 1), ("a", 0, 0), ("c", 0, 0)]);
    assert_eq!((report.pass_hat.clone(), report.pass_hat_tried.clone()), (vec![1.0 / 3.0], vec![1.0]));
}

/// What is wrong with gold is told beside each verdict that rests on it.
#[test]
fn verdicts_on_wrong_gold_are_in_doubt() {
    let metric = json!({"incident_id": "16", "metric_type": "resolution_time", "calculated_value_minutes": 2940});
    let action = |name: &str, arguments: Value| json!([{"name": name, "arguments": arguments}]);
    for (actions, checks, doubtful) in [
        (action("log_metric", metric), vec!["gold-halts", "changes-nothing"], 1),
        (action("log_metric", json!({"incident_id": "16"})), vec!["gold-invalid", "changes-nothing"], 1),
        (action("no_such_tool", json!({})), vec!["unknown-tool", "changes-nothing"], 1),
        (action("find_incidents", json!({"incident_id": "16"})), vec!["changes-nothing"], 0),
        (json!([]), vec!["changes-nothing"], 0),
        (json!([added("x")]), vec![], 0),
        (json!([added("x"), {"name": "respond", "arguments": {"content": ""}}]), vec!["output-empty"], 1),
    ] {
        let outputs = if checks.contains(&"output-empty") { vec!["16", " \u{200b}, "] } else { vec![] };
        let task = json!({"id": "g", "user_id": "6", "instruction": "Do.", "outputs": outputs, "actions": actions});
        let report =
            graded(&[document("runs.json", json!([idle("g", 0)]))], Some(vec![document("t.json", json!([task]))]));
        let verdict = report.traces[0].verdict.as_ref().unwrap();
        let found: Vec<&str> = verdict.gold_findings.iter().map(|finding| finding.check.as_str()).collect();
        assert_eq!((found, report.totals.doubtful), (checks, doubtful), "{actions}");
    }
}
