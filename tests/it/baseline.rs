//! `grade --baseline` and `--policy-edition`: what differs from other trials, or under another edition of the policy.

use crate::cli::{Ran, program, ran};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A note on an incident that is not closed, which is what every task asks for.
const RIGHT: (&str, &str) = ("22", "Seen.");

/// A folder with tasks and with files of trials.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(tasks: &[&str]) -> Desk {
        let folder = TempDir::new().unwrap();
        let tasks: Vec<Value> = tasks
            .iter()
            .map(|id| json!({"id": id, "user_id": "6", "instruction": "Add a note.", "actions": [note(RIGHT)]}))
            .collect();
        fs::write(folder.path().join("tasks.json"), json!(tasks).to_string()).unwrap();
        Desk { folder }
    }

    /// Trials as (task, whether each of its trials is right).
    fn trials(&self, file: &str, trials: &[(&str, &[bool])]) {
        let each = trials.iter().flat_map(|(task, right)| {
            right.iter().enumerate().map(move |(trial, right)| {
                let call = note(if *right { RIGHT } else { ("22", "Something else.") });
                let function = json!({"name": call["name"], "arguments": call["arguments"].to_string()});
                let calls = json!([{"id": "c1", "type": "function", "function": function}]);
                json!({"task_id": task, "trial": trial, "traj": [{"role": "assistant", "content": null, "tool_calls": calls}]})
            })
        });
        self.write(file, &json!(each.collect::<Vec<_>>()).to_string());
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn grade(&self, arguments: &[&str]) -> Ran {
        let mut command = program();
        command.args(["grade", "--against", "tasks.json"]).args(arguments).current_dir(self.folder.path());
        ran(command.output().unwrap())
    }
}

fn note((incident, text): (&str, &str)) -> Value {
    json!({"name": "add_incident_update", "arguments": {"incident_id": incident, "note": text, "acting_user": "6"}})
}

#[test]
fn trials_are_paired_by_task() {
    let desk = Desk::new(&["up", "down", "same", "flaky", "old", "new"]);
    desk.trials(
        "before.json",
        &[("up", &[false]), ("down", &[true]), ("same", &[true]), ("flaky", &[true, false]), ("old", &[true])],
    );
    desk.trials(
        "after.json",
        &[("up", &[true]), ("down", &[false]), ("same", &[true]), ("flaky", &[true, true]), ("new", &[true])],
    );
    let report = desk.grade(&["after.json", "--baseline", "before.json", "--json", "-"]).ends(0).json();
    let it = &report["baseline"];
    let pass = &it["pass"];
    assert_eq!((&pass["tasks"], &pass["before"], &pass["after"]), (&json!(4), &json!(0.625), &json!(0.75)));
    assert_eq!(pass["difference"], 0.125);
    let (low, high) = (pass["low"].as_f64().unwrap(), pass["high"].as_f64().unwrap());
    assert!((-1.0..0.125).contains(&low) && (0.125..=1.0).contains(&high), "{low} {high}");
    let told = |task: &str| {
        let of = it["tasks"].as_array().unwrap().iter().find(|of| of["task"] == task).unwrap();
        json!([of["change"], of["flipped"], of["before"]["flaky"], of["after"]["flaky"]])
    };
    assert_eq!(told("up"), json!(["better", true, false, false]));
    assert_eq!(told("down"), json!(["worse", true, false, false]));
    assert_eq!(told("same"), json!(["same", false, false, false]));
    assert_eq!(told("flaky"), json!(["better", false, true, false]));
    assert_eq!((&it["only_before"], &it["only_after"]), (&json!(["old"]), &json!(["new"])));
    assert_eq!(it["cost"]["after"]["calls"], 1.0);
}

#[test]
fn only_a_fall_beyond_the_bound_is_a_regression() {
    let desk = Desk::new(&["a", "b", "c", "d"]);
    let all = |passed: usize| -> Vec<(&str, &[bool])> {
        let right = |at: usize| -> &[bool] { if at < passed { &[true] } else { &[false] } };
        ["a", "b", "c", "d"].into_iter().enumerate().map(|(at, task)| (task, right(at))).collect()
    };
    desk.trials("three.json", &all(3));
    desk.trials("two.json", &all(2));
    desk.trials("stranger.json", &[("e", &[true])]);
    for (after, before, bound, code) in [
        ("two.json", "three.json", "0", 3),
        ("two.json", "three.json", "0.2", 3),
        ("two.json", "three.json", "0.25", 0),
        ("two.json", "two.json", "0", 0),
        ("three.json", "two.json", "0", 0),
    ] {
        desk.grade(&[after, "--baseline", before, "--max-regression", bound, "-q"]).ends(code);
    }
    // What has no gold cannot be compared, and nothing in common is no reason to be content.
    desk.grade(&["two.json", "--baseline", "stranger.json", "-q"]).ends(1);
    desk.trials("one.json", &[("a", &[true])]);
    desk.trials("other.json", &[("b", &[true])]);
    let ran = desk.grade(&["one.json", "--baseline", "other.json"]).ends(3);
    assert!(ran.stdout.contains("nothing could be compared"), "{}", ran.stdout);
    for bad in ["1.5", "-0.1", "much"] {
        desk.grade(&["two.json", "--baseline", "two.json", &format!("--max-regression={bad}")]).ends(2);
    }
}

/// Gold that halts lets trials pass that do nothing, and a comparison of such looks clean.
#[test]
fn a_comparison_by_gold_with_an_error_is_in_doubt() {
    let desk = Desk::new(&["a", "b"]);
    desk.trials("both.json", &[("a", &[true]), ("b", &[true])]);
    desk.trials("one.json", &[("a", &[true])]);
    let tasks = fs::read_to_string(desk.folder.path().join("tasks.json")).unwrap();
    let mut tasks: Value = serde_json::from_str(&tasks).unwrap();
    tasks[1]["actions"] = json!([note(("99999", "No such incident."))]);
    desk.write("tasks.json", &tasks.to_string());
    for (after, before) in [("both.json", "both.json"), ("one.json", "both.json"), ("both.json", "one.json")] {
        let ran = desk.grade(&[after, "--baseline", before]).ends(3);
        assert!(ran.stdout.contains("in doubt, since gold has an error; no regression"), "{}", ran.stdout);
        assert!(ran.stdout.contains("baseline\tGold in doubt\ttasks.json /1\n"), "{}", ran.stdout);
    }
    desk.grade(&["one.json", "--baseline", "one.json", "-q"]).ends(0);
}

/// The incident-operations policy's rule on notes, in an edition that refuses them all.
#[test]
fn another_edition_moves_verdicts() {
    let desk = Desk::new(&["a", "b"]);
    desk.trials("trials.json", &[("a", &[true]), ("b", &[false])]);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy");
    for file in ["policy.toml", "policy.md"] {
        desk.write(&format!("edition/all/{file}"), &fs::read_to_string(shipped.join("all").join(file)).unwrap());
    }
    let same = desk.grade(&["trials.json", "--policy-edition", "edition", "--json", "-"]).ends(0).json();
    assert_eq!(same["baseline"]["moved"], Value::Null);
    assert_eq!(same["baseline"]["notes"], json!(["policy all is the same in both editions"]));

    // A part that the policy includes refuses all notes now. Gold halts under it like the trials do, so the verdict says more
    // than that both states are alike.
    let rule = "\n[halts]\nNO_NOTES = \"No notes are added.\"\n\n[[tool.add_incident_update.rule]]\nid = \"note.none\"\nunless = \"false\"\nhalt = \"NO_NOTES\"\nmessage = \"Notes are not added now.\"\nremedy = \"Hand the matter over.\"\nclause = \"quiet.1\"\n";
    let toml = fs::read_to_string(shipped.join("all/policy.toml")).unwrap();
    let text = fs::read_to_string(shipped.join("all/policy.md")).unwrap();
    desk.write("stricter/all/policy.md", &format!("{text}\n- **quiet.1** No notes are added.\n"));
    desk.write("stricter/all/policy.toml", &format!("{toml}{rule}"));
    let report = desk
        .grade(&["trials.json", "--policy-edition", "stricter", "--max-regression", "1", "--json", "-"])
        .ends(3)
        .json();
    assert_eq!(report["baseline"]["regression"], false);
    assert_eq!(report["baseline"]["doubts"].as_array().map(Vec::len), Some(2));
    let moved = &report["baseline"]["moved"];
    assert_eq!(moved.as_array().map(Vec::len), Some(2), "{report:#}");
    assert_eq!(moved[0]["newly_broken"], json!(["note.none"]));
    assert_ne!(report["baseline"]["editions"][0]["before"], report["baseline"]["editions"][0]["after"]);

    desk.write("empty/readme.txt", "");
    let ran = desk.grade(&["trials.json", "--policy-edition", "empty"]).ends(1);
    assert!(ran.stderr.contains("holds neither a policy nor a part"), "{}", ran.stderr);
    desk.grade(&["trials.json", "--policy-edition", "edition", "--baseline", "trials.json"]).ends(2);
}
