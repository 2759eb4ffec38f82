//! What a procedure asks for beside its rules, in the calls of an environment whose agents write the update records.

use crate::support;
use crate::support::evaluation::{choice, done};
use evaluation::model::{Command, Report, Severity};
use evaluation::stages::Choice;
use serde_json::{Value, json};
use std::path::Path;
use traces::{Document, format};

fn under(policy: &str) -> Choice {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/duties/fixtures");
    Choice { policy: Some(policy.to_owned()), fixtures: Some(fixtures), actor: Some("1".to_owned()), ..choice() }
}

/// A task of vocabulary 4, and the same as a trial.
fn task(calls: &Value) -> Document {
    let task = json!({ "user_id": "1", "instruction": "Do it.", "outputs": [], "actions": calls });
    let text = json!({ "env": "it_incident_management", "interface_num": 4, "task": task }).to_string();
    format::read(&text, "task.json").unwrap()
}

const DUTIES: [&str; 4] =
    ["record-without-value", "change-without-record", "record-without-change", "critical-without-condition"];

fn found(report: &Report) -> Vec<(usize, String)> {
    assert_eq!(report.mistakes, []);
    let findings = report.traces.iter().flat_map(|trace| &trace.findings);
    let duties = findings.filter(|finding| DUTIES.contains(&finding.check.as_str()));
    duties.map(|finding| (finding.call.unwrap(), finding.check.clone())).collect()
}

#[test]
fn linting_and_grading_find_duties_left_undone() {
    let mut said = String::new();
    for case in support::data(include_str!("data/duties/tasks.json")).as_array().unwrap() {
        let wanted: Vec<(usize, String)> = serde_json::from_value(case["finds"].clone()).unwrap();
        let task = task(&case["calls"]);
        let linted = done(Command::Lint, under("incident-operations"), std::slice::from_ref(&task), None);
        assert_eq!(found(&linted), wanted, "{}", case["of"]);
        for finding in linted.traces.iter().flat_map(|trace| &trace.findings) {
            if DUTIES.contains(&finding.check.as_str()) {
                said += &format!(
                    "{}: {:?} {}: {}\n",
                    case["of"].as_str().unwrap(),
                    finding.severity,
                    finding.check,
                    finding.message
                );
            }
        }
        let graded = done(
            Command::Grade,
            Choice { mode: Some(calls::Mode::Observe), ..under("incident-operations") },
            std::slice::from_ref(&task),
            Some(vec![task.clone()]),
        );
        let process = &graded.traces[0].verdict.as_ref().unwrap().process;
        let remarks: Vec<(usize, String)> = process.remarks.iter().map(|it| (it.call, it.check.clone())).collect();
        assert_eq!(remarks, wanted, "{}", case["of"]);
        if process.remarks.iter().any(|remark| remark.severity == Severity::Error) {
            assert!(!process.compliant, "{}", case["of"]);
        }
    }
    insta::assert_snapshot!(said);
}

/// The environment's own policy asks for no records; nor does one ask its agents where the tool writes them.
#[test]
fn nobody_asks_for_records_elsewhere() {
    let alone =
        task(&json!([{ "name": "edit_incident", "arguments": { "incident_id": "1", "status": "in_progress" } }]));
    assert_eq!(found(&done(Command::Lint, under("it-incident-management"), &[alone], None)), []);
}
