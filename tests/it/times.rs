//! Times, wherever they are taken: the forms that are accepted, and the one that is stored and compared.

use crate::support::{acting, call, episode_with, halt, policy, success, tables};
use procedures::action::input::{Input, Kind};
use procedures::policy::{Tool, Work};
use serde_json::{Value, json};
use store::canonical::Extent;

const GOOD: [&str; 7] = [
    "2025-09-01",
    "2024-02-29",
    "2025-09-01T08:30:00",
    "2025-09-01T08:30:00Z",
    "2025-09-01T08:30:00.000Z",
    "2025-09-01T08:30:00.123456789",
    "0001-01-01T00:00:00",
];

const BAD: [&str; 16] = [
    "2025-09-25T125959.0",
    "2025-09-25T125959",
    "20250925T125959",
    "2025-09-25 12:59:59",
    "2025-09-25t12:59:59",
    "2025-09-25T12:59",
    "2025-09-25T12:59:59+00:00",
    "2025-09-25T12:59:59.",
    "2025-09-25T12:59:59.1234567890",
    "2025-09-25T24:00:00",
    "2025-09-25T23:59:60",
    "2025-02-29",
    "0000-12-31",
    "10000-01-01",
    "2025-09-25Z",
    " 2025-09-25",
];

/// The places of a tool's times, as a call with that text there.
fn taken(tool: &Tool) -> Vec<String> {
    fn of(inputs: &[Input], path: &str, found: &mut Vec<String>) {
        for input in inputs {
            match input.kind {
                Kind::Timestamp | Kind::Day => found.push(format!("{path}{}", input.name)),
                Kind::ChangeSet(columns) => of(columns, &format!("{}.", input.name), found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    match &tool.work {
        Work::Find(_) => found.extend(["since".to_owned(), "until".to_owned()]),
        Work::Act(act) => of(act.operation.inputs, "", &mut found),
    }
    found
}

#[test]
fn every_tool_takes_the_same_forms() {
    let mut places = 0;
    for policy in ["all", "it-incident-management"].map(policy) {
        for tool in &policy.tools {
            for path in taken(tool) {
                places += 1;
                let given = |text: &str| match path.split_once('.') {
                    Some((set, name)) => json!({ set: { name: text } }),
                    None => json!({ path.as_str(): text }),
                };
                let said = |text: &str| {
                    let problems = tool.validate(given(text).as_object().unwrap().clone()).err().unwrap_or_default();
                    problems
                        .into_iter()
                        .any(|problem| problem.field == path && problem.problem.contains("must be a time"))
                };
                for text in GOOD {
                    assert!(!said(text), "{} {path}: {text}", tool.name);
                }
                // What the policy hides is no argument at all.
                let hidden = tool.validate(given("2025-09-01").as_object().unwrap().clone()).err().unwrap_or_default();
                if hidden.iter().any(|problem| problem.field == path) {
                    continue;
                }
                for text in BAD {
                    assert!(said(text), "{} {path}: {text}", tool.name);
                }
            }
        }
    }
    assert!(places > 100, "{places}");
}

/// Rules, journal and store know one text for one moment.
#[test]
fn one_moment_is_one_state() {
    let state = |at: &str| {
        let mut episode = episode_with("all", acting("12"));
        let workaround =
            json!({ "incident_id": "22", "effectiveness_level": "partial_mitigation", "implemented_at": at });
        let answer = success(&call(&mut episode, "record_workaround", workaround));
        let id = answer["workaround_id"].clone();
        let rows = tables(&mut episode)["workarounds"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["workaround_id"] == id).unwrap().clone();
        (row["implemented_at"].as_str().unwrap().to_owned(), episode.hash(Extent::Result).unwrap().state)
    };
    let (text, hash) = state("2025-09-20T10:00:00");
    assert_eq!(text, "2025-09-20T10:00:00");
    for same in ["2025-09-20T10:00:00Z", "2025-09-20T10:00:00.000Z", "2025-09-20T10:00:00.0"] {
        assert_eq!(state(same), (text.clone(), hash.clone()), "{same}");
    }
    assert_eq!(state("2025-09-20T10:00:00.500").0, "2025-09-20T10:00:00.5");
    assert_eq!(state("2025-09-20"), state("2025-09-20T00:00:00.00"));
    assert_ne!(state("2025-09-20T10:00:00.5").1, hash);
}

/// The clock stands at noon: a fraction of a second is before or after it, whatever its length.
#[test]
fn rules_compare_fractions() {
    for (at, passes) in [
        ("2025-09-25T11:59:59.999999999", true),
        ("2025-09-25T12:00:00", true),
        ("2025-09-25T12:00:00.000Z", true),
        ("2025-09-25T12:00:00.000000001", false),
        ("2025-09-25T12:00:00.5", false),
        ("2025-09-25T12:00:01", false),
        ("2025-09-25", true),
        ("2025-09-26", false),
    ] {
        let mut episode = episode_with("all", acting("12"));
        let workaround =
            json!({ "incident_id": "22", "effectiveness_level": "partial_mitigation", "implemented_at": at });
        let outcome = call(&mut episode, "record_workaround", workaround);
        assert_eq!(!outcome.is_error(), passes, "{at}: {}", outcome.text);
    }
}

/// In a column of days a time is its day, in changes and filters too.
#[test]
fn a_day_column_has_days() {
    let mut episode = episode_with("it-incident-management", acting("1"));
    let change = json!({ "subscription_id": "2", "change_set": { "start_date": "2025-09-02T22:10:00.5Z", "end_date": "2025-12-31" } });
    let row = success(&call(&mut episode, "update_subscription", change))["subscription"].clone();
    assert_eq!((&row["start_date"], &row["end_date"]), (&json!("2025-09-02"), &json!("2025-12-31")));
    let mut found = |since: &str, until: &str| {
        let asked = json!({ "since": since, "until": until });
        let answer = success(&call(&mut episode, "find_subscriptions", asked));
        let rows = answer["subscriptions"].as_array().unwrap().clone();
        rows.iter().any(|row| row["subscription_id"] == "2")
    };
    for (since, until, there) in [
        ("2025-09-02", "2025-09-02", true),
        ("2025-09-02T00:00:00Z", "2025-09-02T23:00:00", true),
        ("2025-09-02T12:00:00", "2025-09-03", true),
        ("2025-09-03", "2025-09-30", false),
        ("2025-09-01", "2025-09-01T23:59:59", false),
    ] {
        assert_eq!(found(since, until), there, "{since} to {until}");
    }
}

/// A bound is compared to the fraction; a day as an upper bound is all of it.
#[test]
fn bounds_compare_fractions() {
    let mut episode = episode_with("all", acting("12"));
    let workaround = json!({
        "incident_id": "22", "effectiveness_level": "partial_mitigation", "implemented_at": "2025-09-20T10:00:00.5",
    });
    let id = success(&call(&mut episode, "record_workaround", workaround))["workaround_id"].clone();
    let mut found = |bound: Value| {
        let answer = success(&call(&mut episode, "find_workarounds", bound));
        answer["workarounds"].as_array().unwrap().iter().any(|row| row["workaround_id"] == id)
    };
    assert!(found(json!({ "since": "2025-09-20T10:00:00.50" })));
    assert!(found(json!({ "since": "2025-09-20T10:00:00.25", "until": "2025-09-20T10:00:00.500Z" })));
    assert!(found(json!({ "since": "2025-09-20", "until": "2025-09-20" })));
    assert!(!found(json!({ "since": "2025-09-20", "until": "2025-09-20T10:00:00" })));
    assert!(!found(json!({ "since": "2025-09-20T10:00:01" })));
    let wrong = call(&mut episode, "find_workarounds", json!({ "since": "2025-09-20T100000" }));
    assert_eq!(halt(&wrong, "INVALID_INPUT")["problems"][0]["field"], "since");
}
