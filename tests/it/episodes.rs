//! Episodes: modes, the acting user, audit, the journal, what actions work out by themselves, state files, faults.

use crate::policies::Copy;
use crate::support::{self, acting, call, episode, episode_with, halt, success, tables, with};
use calls::{Episode, Mode, Settings, StartError};
use procedures::action::call::{Call, Permit};
use procedures::action::{self, Body, Operation, Prepared};
use procedures::policy::{self, Audit, Policy, Source, Work};
use records::catalogue::{AUDIT_LOGS, INCIDENT_UPDATES, TRANSFERS, Table, WORKAROUNDS};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use store::canonical::Extent;
use store::{Entry, Row, Store, Value as Cell};

/// The clock of `all`.
const NOW: &str = "2025-09-25T12:00:00";

fn mode(mode: Mode) -> Settings {
    Settings { mode, ..Settings::default() }
}

fn audit(audit: Audit) -> Settings {
    Settings { audit: Some(audit), ..Settings::default() }
}

fn journal(episode: &mut Episode) -> Vec<Entry> {
    episode.journal().unwrap()
}

fn last(episode: &mut Episode) -> Entry {
    journal(episode).pop().unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The rules that would have halted the last call.
fn violated(episode: &mut Episode) -> Vec<String> {
    let violations = parsed(&last(episode).violations);
    violations.as_array().unwrap().iter().map(|halt| halt["rule"].as_str().unwrap().to_owned()).collect()
}

/// A metric of an incident that is not closed.
fn early_metric(by: &str) -> Value {
    json!({ "incident_id": "27", "metric_type": "resolution_time", "calculated_value_minutes": 5, "recorded_by_user": by })
}

// ---- modes -----------------------------------------------------------------------------------------------------------

#[test]
fn enforce_halts() {
    let mut episode = episode_with("all", mode(Mode::Enforce));
    let before = tables(&mut episode);
    halt(&call(&mut episode, "log_metric", early_metric("6")), "INCIDENT_NOT_CLOSED");
    assert_eq!(tables(&mut episode), before);
    let entry = last(&mut episode);
    assert_eq!(
        (entry.outcome.as_str(), entry.rule.as_deref()),
        ("INCIDENT_NOT_CLOSED", Some("metric.incident-closed"))
    );
    assert_eq!((entry.violations.as_str(), entry.changes.as_str()), ("[]", "[]"));
}

#[test]
fn observe_lets_through_and_journals_what_would_have_halted() {
    let mut episode = episode_with("all", mode(Mode::Observe));
    for (by, rules) in [
        ("6", &["metric.incident-closed"][..]),
        ("12", &["actor.role", "metric.incident-closed"]),
        ("19", &["access.active", "actor.role", "metric.incident-closed"]),
    ] {
        let answer = success(&call(&mut episode, "log_metric", early_metric(by)));
        // The agent cannot tell: the answer is what a call that breaks no rule gets.
        let fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["metric_id", "calculated_value_minutes", "durations", "owes"]);
        assert_eq!(violated(&mut episode), rules);
        assert_eq!(last(&mut episode).outcome, "ok");
    }
    let violations = parsed(&journal(&mut episode)[0].violations);
    assert_eq!(violations[0]["code"], "INCIDENT_NOT_CLOSED");
    assert_eq!(violations[0]["clause"], "metric.2");
    assert_eq!(violations[0]["evidence"], json!({ "incident.status": "open" }));
    // A call that breaks nothing is journaled with nothing.
    success(&call(&mut episode, "log_metric", with(early_metric("6"), json!({ "incident_id": "15" }))));
    assert_eq!(last(&mut episode).violations, "[]");
}

#[test]
fn off_runs_without_a_look_at_the_rules() {
    let mut episode = episode_with("all", mode(Mode::Off));
    success(&call(&mut episode, "log_metric", early_metric("19")));
    assert_eq!(last(&mut episode).violations, "[]");
    assert_eq!(last(&mut episode).actor.as_deref(), Some("19"));
}

#[test]
fn types_and_references_are_checked_in_every_mode() {
    for settings in [Mode::Enforce, Mode::Observe, Mode::Off].map(mode) {
        let mut episode = episode_with("all", settings);
        let before = tables(&mut episode);
        for (changes, code) in [
            (json!({ "metric_type": "speed" }), "INVALID_INPUT"),
            (json!({ "calculated_value_minutes": "5" }), "INVALID_INPUT"),
            (json!({ "calculated_value_minutes": null }), "INVALID_INPUT"),
            (json!({ "surprise": 1 }), "INVALID_INPUT"),
            (json!({ "incident_id": "999" }), "INCIDENT_NOT_FOUND"),
            (json!({ "recorded_by_user": "999" }), "USER_NOT_FOUND"),
            // The record says who made it, so somebody must have.
            (json!({ "recorded_by_user": null }), "UNAUTHENTICATED"),
        ] {
            halt(&call(&mut episode, "log_metric", with(early_metric("6"), changes)), code);
        }
        assert_eq!(tables(&mut episode), before);
    }
}

/// Where the record does not say who made it, an unenforced policy lets the call through.
#[test]
fn nobody_can_change_what_names_nobody_unless_enforced() {
    let update = json!({ "ticket_id": "9", "change_set": { "status": "closed" } });
    let mut enforced = episode("all");
    halt(&call(&mut enforced, "update_ticket", update.clone()), "UNAUTHENTICATED");
    let mut observed = episode_with("all", mode(Mode::Observe));
    success(&call(&mut observed, "update_ticket", update.clone()));
    assert_eq!(violated(&mut observed), ["actor.given"]);
    assert_eq!(last(&mut observed).actor, None);
    let mut off = episode_with("all", mode(Mode::Off));
    success(&call(&mut off, "update_ticket", update));
    assert_eq!(violated(&mut off), Vec::<String>::new());
}

#[test]
fn the_tools_are_the_same_in_every_mode() {
    let listed = |settings: Settings| {
        let episode = episode_with("all", settings);
        let tools = episode.policy().tools.iter().map(|tool| {
            (tool.name.clone(), tool.description.clone(), tool.input_schema.clone(), tool.output_schema.clone())
        });
        tools.collect::<Vec<_>>()
    };
    let enforced = listed(mode(Mode::Enforce));
    assert_eq!(listed(mode(Mode::Observe)), enforced);
    assert_eq!(listed(mode(Mode::Off)), enforced);
    assert_eq!(listed(audit(Audit::Automatic)), enforced);
}

#[test]
fn an_unknown_tool_is_no_call() {
    let mut episode = episode("all");
    let unknown = episode.call("log_metrics", serde_json::Map::new()).unwrap_err();
    assert_eq!(unknown.to_string(), r#"there is no tool "log_metrics"; did you mean "log_metric"?"#);
    let unknown = episode.call(&"x".repeat(5000), serde_json::Map::new()).unwrap_err();
    assert!(unknown.to_string().len() < 200);
    assert!(journal(&mut episode).is_empty());
}

// ---- the acting user -------------------------------------------------------------------------------------------------

#[test]
fn a_call_has_exactly_one_acting_user() {
    let metric = json!({ "incident_id": "15", "metric_type": "response_time", "calculated_value_minutes": 60 });
    let users = json!({ "limit": 1 });
    let cases = [
        // The session's user, the argument, and who acts or why nobody does.
        (Some("6"), None, Ok("6")),
        (Some("amara.osei@harbourlight.example"), None, Ok("6")),
        (Some(" Amara.Osei@Harbourlight.EXAMPLE "), None, Ok("6")),
        (None, Some("6"), Ok("6")),
        (Some("6"), Some("6"), Ok("6")),
        (Some("6"), Some("7"), Err("ACTOR_MISMATCH")),
        (Some("6"), Some("999"), Err("USER_NOT_FOUND")),
        (Some("6"), Some("amara.osei@harbourlight.example"), Err("USER_NOT_FOUND")),
        (None, None, Err("UNAUTHENTICATED")),
        (None, Some("999"), Err("USER_NOT_FOUND")),
        (None, Some(""), Err("INVALID_INPUT")),
        (Some("11"), None, Err("ACTOR_INACTIVE")),
        (None, Some("10"), Err("ACTOR_INACTIVE")),
    ];
    for (session, argument, expected) in cases {
        let settings = Settings { actor: session.map(str::to_owned), ..Settings::default() };
        let mut episode = episode_with("all", settings);
        for (tool, name, arguments) in
            [("log_metric", "recorded_by_user", metric.clone()), ("find_users", "acting_user", users.clone())]
        {
            let arguments = with(arguments, json!({ name: argument }));
            let outcome = call(&mut episode, tool, arguments);
            match expected {
                Ok(actor) => {
                    success(&outcome);
                    assert_eq!(last(&mut episode).actor.as_deref(), Some(actor), "{session:?} {argument:?}");
                }
                Err(code) => drop(halt(&outcome, code)),
            }
        }
    }
}

#[test]
fn the_record_names_the_acting_user() {
    let mut episode = episode_with("all", acting("1"));
    let metric = json!({ "incident_id": "15", "metric_type": "response_time", "calculated_value_minutes": 60 });
    success(&call(&mut episode, "log_metric", metric));
    let rows = tables(&mut episode)["performance_metrics"].clone();
    assert_eq!(rows.as_array().unwrap().last().unwrap()["recorded_by_user"], "1");
}

#[test]
fn a_mismatch_says_who_is_who() {
    let mut episode = episode_with("all", acting("6"));
    let refused = halt(&call(&mut episode, "log_metric", early_metric("7")), "ACTOR_MISMATCH");
    assert_eq!(refused["evidence"], json!({ "session": "6", "recorded_by_user": "7" }));
    assert_eq!(refused["clause"], "access.3");
    // Where it is only observed, the session's user acts.
    let settings = Settings { mode: Mode::Observe, ..acting("6") };
    let mut observed = episode_with("all", settings);
    success(&call(&mut observed, "log_metric", with(early_metric("7"), json!({ "incident_id": "15" }))));
    assert_eq!(violated(&mut observed), ["actor.same"]);
    assert_eq!(last(&mut observed).actor.as_deref(), Some("6"));
}

#[test]
fn a_session_needs_a_user_who_exists() {
    for who in ["999", "nobody@harbourlight.example", "", "0", "-1", "06"] {
        let begun = Episode::on_image(support::policy("all"), support::image(), &acting(who));
        let Err(error) = begun else { panic!("{who:?} is no user") };
        assert!(matches!(error, StartError::NoSuchUser(_)), "{error}");
        assert!(error.to_string().contains(&format!("{who:?}")), "{error}");
    }
}

/// A review names its facilitator only; the facilitator acts where nobody else does, and somebody else may submit it.
#[test]
fn a_review_is_submitted_by_its_facilitator_or_for_one() {
    let review = json!({ "incident_id": "15", "facilitator_user": "7", "scheduled_date": "2025-10-02", "overall_rating": "good" });
    let cases = [
        (None, json!({}), Ok("7")),
        (None, json!({ "acting_user": "20" }), Ok("20")),
        (Some("20"), json!({}), Ok("20")),
        (Some("7"), json!({}), Ok("7")),
        (Some("20"), json!({ "acting_user": "20" }), Ok("20")),
        (Some("20"), json!({ "acting_user": "7" }), Err("ACTOR_MISMATCH")),
        (Some("12"), json!({}), Err("ROLE_NOT_ALLOWED")),
        (None, json!({ "facilitator_user": "12" }), Err("ROLE_NOT_ALLOWED")),
        (Some("20"), json!({ "facilitator_user": "12" }), Err("FACILITATOR_ROLE")),
        (Some("20"), json!({ "facilitator_user": "10" }), Err("PERSON_INACTIVE")),
        (None, json!({ "facilitator_user": "10" }), Err("ACTOR_INACTIVE")),
    ];
    for (session, changes, expected) in cases {
        let settings = Settings { actor: session.map(str::to_owned), ..Settings::default() };
        let mut episode = episode_with("problem-to-review", settings);
        let outcome = call(&mut episode, "submit_post_incident_review", with(review.clone(), changes.clone()));
        match expected {
            Ok(actor) => {
                success(&outcome);
                assert_eq!(last(&mut episode).actor.as_deref(), Some(actor), "{session:?} {changes}");
                let rows = tables(&mut episode)["post_incident_reviews"].clone();
                assert_eq!(rows.as_array().unwrap().last().unwrap()["facilitator_user"], "7");
            }
            Err(code) => drop(halt(&outcome, code)),
        }
    }
}

// ---- audit -----------------------------------------------------------------------------------------------------------

/// The duties as call, verb, record and id, and the call that paid.
fn duties(episode: &mut Episode) -> Vec<(i64, String, Option<i64>)> {
    let duties = episode.obligations().unwrap().into_iter();
    duties
        .map(|duty| (duty.call, format!("{} {} {}", duty.action, duty.entity_type, duty.entity_id), duty.paid_by))
        .collect()
}

fn entry(action: &str, entity_type: &str, entity_id: &str) -> Value {
    json!({ "action": action, "entity_type": entity_type, "entity_id": entity_id })
}

fn rename(episode: &mut Episode, incident: &str, title: &str) -> Value {
    let change = json!({ "incident_id": incident, "change_set": { "title": title } });
    success(&call(episode, "update_incident", change))
}

#[test]
fn explicit_audit_is_owed_and_paid() {
    let mut episode = episode_with("all", acting("6"));
    assert_eq!(support::policy("all").audit, Audit::Explicit);
    let answer = rename(&mut episode, "27", "A");
    let owes = with(entry("update", "incident", "27"), json!({ "tool": "log_audit" }));
    assert_eq!(answer["owes"], owes);
    assert_eq!(tables(&mut episode)["audit_logs"].as_array().unwrap().len(), 44, "the agent writes it");
    rename(&mut episode, "28", "B");
    rename(&mut episode, "27", "C");
    let due = |call: i64, id: &str, paid: Option<i64>| (call, format!("update incident {id}"), paid);
    assert_eq!(duties(&mut episode), [due(1, "27", None), due(2, "28", None), due(3, "27", None)]);
    // What is not owed pays nothing, nor does what was refused or is unlike in any part.
    for (other, code) in [
        (entry("create", "incident", "27"), None),
        (entry("update", "incident", "26"), None),
        (entry("update", "client", "1"), None),
        (entry("view", "incident", "27"), None),
        (with(entry("update", "incident", "27"), json!({ "timestamp": "2025-01-01" })), Some("AUDIT_TIME_FIXED")),
        (entry("update", "incident", "999"), Some("INCIDENT_NOT_FOUND")),
    ] {
        let outcome = call(&mut episode, "log_audit", other);
        match code {
            Some(code) => drop(halt(&outcome, code)),
            None => drop(success(&outcome)),
        }
    }
    assert!(duties(&mut episode).iter().all(|(.., paid)| paid.is_none()));
    // An entry pays the oldest of equal duties, once.
    let answer = success(&call(&mut episode, "log_audit", entry("update", "incident", "27")));
    assert!(answer.get("owes").is_none(), "an audit entry owes none");
    assert_eq!(duties(&mut episode), [due(1, "27", Some(10)), due(2, "28", None), due(3, "27", None)]);
    success(&call(&mut episode, "log_audit", entry("update", "incident", "27")));
    assert_eq!(duties(&mut episode), [due(1, "27", Some(10)), due(2, "28", None), due(3, "27", Some(11))]);
    success(&call(&mut episode, "log_audit", entry("update", "incident", "27")));
    assert_eq!(duties(&mut episode), [due(1, "27", Some(10)), due(2, "28", None), due(3, "27", Some(11))]);
    let unpaid: Vec<i64> =
        duties(&mut episode).into_iter().filter(|(.., paid)| paid.is_none()).map(|(call, ..)| call).collect();
    assert_eq!(unpaid, [2]);
}

#[test]
fn a_halt_leaves_no_duty() {
    let mut episode = episode_with("all", acting("6"));
    halt(&call(&mut episode, "log_metric", with(early_metric("6"), json!({}))), "INCIDENT_NOT_CLOSED");
    assert!(duties(&mut episode).is_empty());
}

/// What each tool owes is the verb of its policy on the record of its action.
#[test]
fn every_write_owes_one_entry_for_its_record() {
    for (id, tool) in support::tools() {
        let Work::Act(act) = &tool.work else { continue };
        if !support::audits(id).contains(&Audit::Explicit) {
            continue;
        }
        let mut episode = episode_with(id, audit(Audit::Explicit));
        let answer = success(&call(&mut episode, &tool.name, support::permitted_call(id, tool)));
        let Some(verb) = &act.audit else {
            assert!(answer.get("owes").is_none(), "{id}: {}", tool.name);
            assert!(duties(&mut episode).is_empty());
            continue;
        };
        let found = duties(&mut episode);
        let [(1, duty, None)] = &found[..] else { panic!("{id}: {}: {found:?}", tool.name) };
        assert!(duty.starts_with(&format!("{verb} {} ", act.operation.record.entity)), "{id}: {}: {duty}", tool.name);
        // The identifier comes first in the answer, and is the id that is owed for.
        let (_, first) = answer.as_object().unwrap().iter().next().unwrap();
        assert_eq!(answer["owes"]["entity_id"], *first, "{id}: {}", tool.name);
        let pay = entry(verb, act.operation.record.entity, first.as_str().unwrap());
        let author = episode.journal().unwrap()[0].actor.clone();
        success(&call(&mut episode, "log_audit", with(pay, json!({ "acting_user": author }))));
        assert_eq!(duties(&mut episode)[0].2, Some(2), "{id}: {}", tool.name);
    }
}

#[test]
fn nobody_owes_what_no_tool_can_pay() {
    for id in ["incident-operations", "change-and-resolution"] {
        let begun = Episode::on_image(support::policy(id), support::image(), &audit(Audit::Explicit));
        let Err(error) = begun else { panic!("{id} has no tool for audit entries") };
        assert!(matches!(error, StartError::NoAuditTool(_)) && error.to_string().contains(id), "{error}");
        drop(episode_with(id, audit(Audit::Automatic)));
    }
}

#[test]
fn automatic_audit_is_written_with_the_change() {
    let settings = Settings { audit: Some(Audit::Automatic), ..acting("6") };
    let mut episode = episode_with("all", settings);
    let change = json!({ "incident_id": "24", "change_set": { "status": "resolved", "title": "Confidential" } });
    let answer = success(&call(&mut episode, "update_incident", change));
    assert_eq!(answer["audit_id"], "45");
    assert!(answer.get("owes").is_none());
    // One call, one transaction: the journal entry holds both.
    let changes = parsed(&last(&mut episode).changes);
    let written: Vec<&Value> = changes.as_array().unwrap().iter().map(|change| &change["table"]).collect();
    assert_eq!(written, ["incident_updates", "incident_updates", "incidents", "audit_logs"]);
    let rows = tables(&mut episode)["audit_logs"].clone();
    let row = rows.as_array().unwrap().last().unwrap();
    let expected = json!({
        "audit_id": "45", "action": "update", "entity_type": "incident", "entity_id": "24", "audit_by_user": "6",
        "changed_fields": "title, status, resolution_timestamp", "created_at": NOW,
    });
    assert_eq!(*row, expected, "names of fields, no values");
    // A creation names no fields.
    let article = json!({ "title": "T", "article_type": "faq", "category": "technical" });
    success(&call(&mut episode, "record_kb_article", article));
    let rows = tables(&mut episode)["audit_logs"].clone();
    let row = rows.as_array().unwrap().last().unwrap();
    assert_eq!((&row["action"], &row["entity_type"]), (&json!("create"), &json!("knowledge_base_article")));
    assert!(row.get("changed_fields").is_none());
    // Nobody writes a second one, and nothing is owed.
    halt(&call(&mut episode, "log_audit", entry("update", "incident", "24")), "AUDIT_AUTOMATIC");
    assert!(duties(&mut episode).is_empty());
    // A hand-over owes none, so none is written.
    let before = tables(&mut episode)["audit_logs"].clone();
    success(&call(&mut episode, "transfer_to_human", json!({ "summary": "Help." })));
    assert_eq!(tables(&mut episode)["audit_logs"], before);
}

#[test]
fn without_audit_nothing_is_owed_or_written() {
    for (id, settings) in
        [("incident-operations", acting("6")), ("all", Settings { audit: Some(Audit::None), ..acting("6") })]
    {
        let mut episode = episode_with(id, settings);
        let before = tables(&mut episode)["audit_logs"].clone();
        let answer = rename(&mut episode, "27", "A");
        assert!(answer.get("owes").is_none() && answer.get("audit_id").is_none(), "{id}");
        assert!(duties(&mut episode).is_empty());
        assert_eq!(tables(&mut episode)["audit_logs"], before);
    }
}

/// Audit entries are diligence: they move the hash of everything, not that of the result.
#[test]
fn audit_leaves_the_result_alone() {
    let run = |settings: Settings| {
        let mut episode = episode_with("all", Settings { actor: Some("6".to_owned()), ..settings });
        rename(&mut episode, "27", "A");
        (episode.hash(Extent::Result).unwrap(), episode.hash(Extent::Everything).unwrap())
    };
    let (explicit, automatic) = (run(audit(Audit::Explicit)), run(audit(Audit::Automatic)));
    assert_eq!(explicit.0, automatic.0);
    assert_ne!(explicit.1, automatic.1);
}

// ---- the journal -----------------------------------------------------------------------------------------------------

#[test]
fn the_journal_holds_each_call_as_it_went() {
    let mut episode = episode("all");
    let change = r#"{"change_set":{"status":"investigating"},"acting_user":"12","ticket_id":"9"}"#;
    let outcome = call(&mut episode, "update_ticket", parsed(change));
    success(&outcome);
    let found = last(&mut episode);
    let changes = json!([{
        "table": "problem_tickets", "key": "9",
        "columns": { "status": ["open", "investigating"], "updated_at": ["2025-08-20T09:58:00", NOW] },
    }]);
    let expected = Entry {
        call: 1,
        key: None,
        tool: "update_ticket".to_owned(),
        actor: Some("12".to_owned()),
        // As they were given, in their order, without what was filled in.
        arguments: change.to_owned(),
        answer: outcome.text.clone(),
        outcome: "ok".to_owned(),
        rule: None,
        violations: "[]".to_owned(),
        changes: changes.to_string(),
        now: Some(NOW.to_owned()),
        edition: Some(support::policy("all").fingerprint.clone()),
    };
    assert_eq!(found, expected);

    let outcome = call(&mut episode, "log_metric", early_metric("6"));
    let expected = Entry {
        call: 2,
        key: None,
        tool: "log_metric".to_owned(),
        actor: Some("6".to_owned()),
        arguments: early_metric("6").to_string(),
        answer: outcome.text.clone(),
        outcome: "INCIDENT_NOT_CLOSED".to_owned(),
        rule: Some("metric.incident-closed".to_owned()),
        violations: "[]".to_owned(),
        changes: "[]".to_owned(),
        now: Some(NOW.to_owned()),
        edition: Some(support::policy("all").fingerprint.clone()),
    };
    assert_eq!(last(&mut episode), expected);

    let create = json!({ "title": "T", "work_type": "repair", "created_by_user": "12" });
    success(&call(&mut episode, "create_workorder", create));
    let changes = json!([{
        "table": "work_orders", "key": "17",
        "columns": {
            "workorder_id": [null, "17"], "title": [null, "T"], "work_type": [null, "repair"], "status": [null, "created"],
            "created_by_user": [null, "12"], "created_at": [null, NOW], "updated_at": [null, NOW],
        },
    }]);
    assert_eq!(parsed(&last(&mut episode).changes), changes);
}

#[test]
fn calls_are_numbered_without_gaps_however_they_end() {
    let mut episode = episode_with("all", acting("6"));
    call(&mut episode, "find_users", json!({}));
    call(&mut episode, "find_users", json!({ "limit": 0 }));
    call(&mut episode, "log_metric", early_metric("6"));
    call(&mut episode, "log_metric", early_metric("7"));
    call(&mut episode, "add_incident_update", json!({ "incident_id": "27", "note": "N" }));
    let _ = episode.call("nothing", serde_json::Map::new());
    call(&mut episode, "add_incident_update", json!({ "incident_id": "999", "note": "N" }));
    let journal = journal(&mut episode);
    let calls: Vec<(i64, &str)> = journal.iter().map(|entry| (entry.call, entry.outcome.as_str())).collect();
    let expected = [
        (1, "ok"),
        (2, "INVALID_INPUT"),
        (3, "INCIDENT_NOT_CLOSED"),
        (4, "ACTOR_MISMATCH"),
        (5, "ok"),
        (6, "INCIDENT_NOT_FOUND"),
    ];
    assert_eq!(calls, expected);
}

// ---- incidents -------------------------------------------------------------------------------------------------------

/// Targets by the client's strictest active subscription, and the severity.
#[test]
fn a_new_incident_is_told_its_targets() {
    let premium_p1 = ("premium", "15-30 minutes", "2025-09-25T12:30:00", "2-4 hours", "2025-09-25T16:00:00");
    let premium_p4 = ("premium", "24-48 hours", "2025-09-27T12:00:00", "128 hours", "2025-09-30T20:00:00");
    let standard_p3 = ("standard", "24 hours", "2025-09-26T12:00:00", "72-120 hours", "2025-09-30T12:00:00");
    let standard_p4 = ("standard", "48-72 hours", "2025-09-28T12:00:00", "168 hours", "2025-10-02T12:00:00");
    let basic_p2 = ("basic", "24 hours", "2025-09-26T12:00:00", "72-120 hours", "2025-09-30T12:00:00");
    let basic_p3 = ("basic", "48-72 hours", "2025-09-28T12:00:00", "5-10 business days", "2025-10-05T12:00:00");
    let basic_p4 = ("basic", "5-7 business days", "2025-10-02T12:00:00", "2 weeks", "2025-10-09T12:00:00");
    let p1 = json!({ "p1_outage_no_workaround": true });
    let p2 = json!({ "p2_risk_high_priority_sla_breach": true });
    let p3 = json!({ "p3_localized_or_non_critical": true });
    let none = json!({});
    let cases = [
        // Client, conditions, the subscription that counts, its targets.
        ("1", &p1, Some(("1", premium_p1))),
        ("1", &none, Some(("1", premium_p4))),
        // Premium and standard, both active.
        ("2", &p1, Some(("3", premium_p1))),
        // Premium, and an expired basic one.
        ("3", &none, Some(("2", premium_p4))),
        // Standard, and a cancelled basic one.
        ("5", &p3, Some(("7", standard_p3))),
        ("11", &none, Some(("16", standard_p4))),
        ("8", &p2, Some(("12", basic_p2))),
        ("9", &p3, Some(("13", basic_p3))),
        // Nothing was agreed for this one: the tier's own targets hold.
        ("14", &none, Some(("19", basic_p4))),
        // Expired only, inactive, cancelled, none at all.
        ("7", &p1, None),
        ("10", &p1, None),
        ("13", &p1, None),
        ("12", &p1, None),
    ];
    for (client, conditions, expected) in cases {
        let mut episode = episode_with("all", acting("6"));
        let incident = json!({
            "title": "T", "category": "Network", "impact_level": "high", "client_id": client, "reporter_user_id": "6",
        });
        let answer = success(&call(&mut episode, "create_incident", with(incident, conditions.clone())));
        let expected = match expected {
            None => Value::Null,
            Some((subscription, (tier, response, response_due, resolution, resolution_due))) => json!({
                "subscription_id": subscription, "tier": tier, "response": response, "response_due": response_due,
                "resolution": resolution, "resolution_due": resolution_due,
            }),
        };
        assert_eq!(answer["sla"], expected, "client {client}, {conditions}");
    }
}

#[test]
fn targets_run_from_the_detection_and_follow_the_severity() {
    let mut episode = episode_with("all", acting("6"));
    let incident = json!({
        "title": "T", "category": "Network", "impact_level": "high", "client_id": "1", "reporter_user_id": "6",
        "detection_timestamp": "2025-09-24", "p1_outage_no_workaround": true,
    });
    let answer = success(&call(&mut episode, "create_incident", incident));
    assert_eq!(answer["detection_timestamp"], "2025-09-24T00:00:00");
    assert_eq!(answer["sla"]["response_due"], "2025-09-24T00:30:00");
    let lower = json!({ "incident_id": answer["incident_id"], "change_set": { "severity": "P3" } });
    let answer = success(&call(&mut episode, "update_incident", lower));
    assert_eq!(answer["sla"]["response"], "4-8 hours");
    assert_eq!(answer["sla"]["resolution_due"], "2025-09-27T00:00:00");
    // Client 13 has no active subscription.
    let answer = rename(&mut episode, "27", "A");
    assert!(answer.get("sla").is_none());
}

#[test]
fn each_really_changed_field_gets_one_update_record() {
    let mut episode = episode_with("all", acting("6"));
    let change = json!({
        "incident_id": "28",
        "change_set": {
            "title": " Staging shop refuses test orders ", "category": "Release", "severity": "P4", "impact_level": "medium",
            "urgency_level": "low", "status": "investigating", "component_id": "2", "assigned_to_user_id": "16",
        },
    });
    let answer = success(&call(&mut episode, "update_incident", change));
    assert_eq!(answer["update_ids"], json!(["116", "117", "118", "119", "120"]));
    let all = tables(&mut episode);
    let updates: Vec<&Value> = all["incident_updates"].as_array().unwrap().iter().skip(115).collect();
    let seen: Vec<[&str; 4]> = (updates.iter())
        .map(|row| ["field_changed", "old_value", "new_value", "update_type"].map(|name| row[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ["category", "Configuration", "Release", "detail_change"],
            ["impact_level", "low", "medium", "priority_change"],
            ["status", "open", "investigating", "status_change"],
            ["component_id", "3", "2", "detail_change"],
            ["assigned_to_user_id", "14", "16", "assignment_change"],
        ]
    );
    for row in updates {
        assert_eq!(
            (&row["incident_id"], &row["updated_by_user"], &row["created_at"]),
            (&json!("28"), &json!("6"), &json!(NOW))
        );
    }
    assert_eq!(answer["incident"]["category"], "Release");
    assert_eq!(answer["incident"]["updated_at"], NOW);
    // One call, one transaction: the records first, then the incident.
    assert_eq!(journal(&mut episode).len(), 1);
    let changes = parsed(&last(&mut episode).changes);
    let written: Vec<&Value> = changes.as_array().unwrap().iter().map(|change| &change["table"]).collect();
    assert_eq!(written[..5], vec!["incident_updates"; 5]);
    assert_eq!(written[5..], ["incidents"]);
}

#[test]
fn a_field_that_had_no_value_has_no_old_one() {
    let mut episode = episode_with("all", acting("6"));
    let change = json!({ "incident_id": "27", "change_set": { "assigned_to_user_id": "12" } });
    success(&call(&mut episode, "update_incident", change));
    let row = tables(&mut episode)["incident_updates"].as_array().unwrap().last().unwrap().clone();
    assert!(row.get("old_value").is_none());
    assert_eq!(row["new_value"], "12");
}

#[test]
fn resolving_and_closing_set_their_times() {
    let mut episode = episode_with("all", acting("6"));
    let mut set = |incident: &str, status: &str| {
        let change = json!({ "incident_id": incident, "change_set": { "status": status } });
        let answer = success(&call(&mut episode, "update_incident", change));
        ["resolution_timestamp", "closure_timestamp"].map(|name| answer["incident"][name].clone())
    };
    assert_eq!(set("27", "in_progress"), [Value::Null, Value::Null]);
    assert_eq!(set("27", "resolved"), [json!(NOW), Value::Null]);
    assert_eq!(set("27", "closed"), [json!(NOW), json!(NOW)]);
    // Opened again, it has neither (ruling X47).
    assert_eq!(set("27", "open"), [Value::Null, Value::Null]);
    // Closed without having been resolved.
    assert_eq!(set("28", "closed"), [Value::Null, json!(NOW)]);
    // Resolved before: the time of then stays.
    assert_eq!(set("16", "closed"), [json!("2025-08-07T15:00:00"), json!(NOW)]);
}

// ---- metrics and reports ---------------------------------------------------------------------------------------------

#[test]
fn a_metric_is_compared_with_the_durations_of_its_incident() {
    // Incident, and in minutes from its detection: its record, the first response, its end, the first escalation.
    let cases = [
        ("1", json!({ "detection_time": 6, "response_time": 14, "resolution_time": 185, "escalation_time": 31 })),
        ("5", json!({ "detection_time": 4, "response_time": 9, "resolution_time": 100, "escalation_time": 20 })),
        // Closed without having been resolved, and never escalated.
        ("9", json!({ "detection_time": 10, "response_time": 180, "resolution_time": 1560 })),
        ("15", json!({ "detection_time": 35, "response_time": 60, "resolution_time": 3120 })),
    ];
    for (incident, durations) in cases {
        for kind in ["detection_time", "response_time", "resolution_time", "escalation_time"] {
            let mut episode = episode_with("problem-to-review", acting("6"));
            let metric = json!({
                "incident_id": incident, "metric_type": kind, "calculated_value_minutes": 60, "target_minutes": 100,
            });
            let answer = success(&call(&mut episode, "log_metric", metric.clone()));
            assert_eq!(answer["durations"], durations, "{incident}");
            assert_eq!(answer["calculated_value_minutes"], 60, "what is recorded is what was given");
            assert_eq!(answer["target_met"], true);
            let computed = durations.get(kind);
            assert_eq!(answer.get("computed_minutes"), computed, "{incident} {kind}");
            assert_eq!(
                answer.get("agrees"),
                computed.map(|minutes| json!(*minutes == 60)).as_ref(),
                "{incident} {kind}"
            );
            let missed = success(&call(&mut episode, "log_metric", with(metric, json!({ "target_minutes": 59 }))));
            assert_eq!(missed["target_met"], false);
        }
    }
}

#[test]
fn a_report_counts_what_refers_to_its_incident() {
    let mut episode = episode_with("problem-to-review", acting("6"));
    let mut report = |incident: &str| {
        let report = json!({ "incident_id": incident, "report_type": "post_mortem" });
        success(&call(&mut episode, "generate_incident_report", report))
    };
    let answer = report("5");
    assert_eq!(answer["incident"]["title"], "Card authorisations time out at the noon peak");
    let related = json!({
        "change_requests": 1, "communications": 2, "incident_escalations": 2, "incident_reports": 3, "incident_updates": 5,
        "knowledge_base_articles": 1, "performance_metrics": 4, "post_incident_reviews": 1, "problem_tickets": 1,
        "rollback_requests": 0, "root_cause_analysis": 1, "transfers": 0, "work_orders": 1, "workarounds": 2,
    });
    assert_eq!(answer["related"], related);
    let answer = report("9");
    let counted: Vec<(&String, &Value)> =
        answer["related"].as_object().unwrap().iter().filter(|(_, count)| **count != 0).collect();
    assert_eq!(counted, [(&"incident_reports".to_owned(), &json!(1)), (&"incident_updates".to_owned(), &json!(3))]);
    assert_eq!(report("9")["related"]["incident_reports"], 2);
}

// ---- state files -----------------------------------------------------------------------------------------------------

fn begin(policy: &Arc<Policy>, settings: &Settings, path: &Path) -> Result<Episode, StartError> {
    Episode::in_file(policy.clone(), support::fixtures(), settings, path)
}

fn refused(begun: Result<Episode, StartError>) -> String {
    match begun {
        Ok(_) => panic!("the episode began"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_state_file_is_resumed_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("episode.db");
    let policy = support::policy("all");
    let settings = acting("6");
    let mut first = begin(&policy, &settings, &path).unwrap();
    let fresh = first.hash(Extent::Everything).unwrap();
    assert_eq!(fresh, episode("all").hash(Extent::Everything).unwrap(), "a file begins as memory does");
    rename(&mut first, "27", "A");
    halt(&call(&mut first, "log_metric", early_metric("6")), "INCIDENT_NOT_CLOSED");
    let left = (journal(&mut first), duties(&mut first), first.hash(Extent::Everything).unwrap());
    assert_ne!(left.2, fresh);
    drop(first);

    let mut second = begin(&policy, &settings, &path).unwrap();
    assert_eq!((journal(&mut second), duties(&mut second), second.hash(Extent::Everything).unwrap()), left);
    success(&call(&mut second, "log_audit", entry("update", "incident", "27")));
    assert_eq!(last(&mut second).call, 3);
    assert_eq!(duties(&mut second), [(1, "update incident 27".to_owned(), Some(3))]);
    assert_eq!(second.store().integrity().unwrap(), Vec::<String>::new());
    drop(second);
    // Somebody else may go on: the acting user is the session's, not the state's.
    let mut third = begin(&policy, &acting("1"), &path).unwrap();
    assert_eq!(journal(&mut third).len(), 3);
}

#[test]
fn a_state_file_is_resumed_under_the_same_settings_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("episode.db");
    let policy = support::policy("all");
    drop(begin(&policy, &Settings::default(), &path).unwrap());
    let other = support::policy("problem-to-review");
    let advice = "; use another --state file, or ask for the same again";
    for (begun, why) in [
        (begin(&other, &Settings::default(), &path), "policy all, and now policy problem-to-review"),
        (begin(&policy, &mode(Mode::Observe), &path), "mode enforce, and now mode observe"),
        (begin(&policy, &audit(Audit::None), &path), "audit explicit, and now audit none"),
    ] {
        assert_eq!(refused(begun), format!("the state file was begun with {why} is asked for{advice}"));
    }
    // The policy's own way of audit is the same as asking for it.
    drop(begin(&policy, &audit(Audit::Explicit), &path).unwrap());
    // Another edition of the same policy is another policy.
    let copy = Copy::new();
    copy.write("all/policy.toml", &format!("# Another edition.\n{}", copy.read("all/policy.toml")));
    let edited = Arc::new(policy::load(&copy.source(), "all").unwrap());
    let message = refused(begin(&edited, &Settings::default(), &path));
    assert!(message.contains("policy fingerprint"), "{message}");
}

#[test]
fn what_is_no_state_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let policy = support::policy("all");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "Not a database, and long enough not to be taken for the beginning of one.".repeat(20))
        .unwrap();
    let foreign = folder.path().join("foreign.db");
    drop(Store::in_file(&foreign).unwrap());
    for path in [text.as_path(), folder.path(), &folder.path().join("absent").join("episode.db")] {
        let message = refused(begin(&policy, &Settings::default(), path));
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains("is not a state file of incident-mcp"), "{message}");
    }
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("Not a database"), "it is left as it was");
    // One that was made but never begun is begun.
    drop(begin(&policy, &Settings::default(), &foreign).unwrap());
}

#[test]
fn a_state_file_in_use_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("episode.db");
    let policy = support::policy("all");
    let mut first = begin(&policy, &acting("6"), &path).unwrap();
    let message = refused(begin(&policy, &acting("6"), &path));
    assert!(message.contains("in use"), "{message}");
    rename(&mut first, "27", "A");
    drop(first);
    drop(begin(&policy, &acting("6"), &path).unwrap());
}

#[test]
fn a_session_that_cannot_begin_leaves_its_file_usable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("episode.db");
    let policy = support::policy("all");
    assert!(refused(begin(&policy, &acting("999"), &path)).contains("999"));
    let mut episode = begin(&policy, &acting("6"), &path).unwrap();
    success(&call(&mut episode, "find_users", json!({})));
}

// ---- faults ----------------------------------------------------------------------------------------------------------

/// A row with the greatest id that there is: no further row of its table can be written.
fn exhaust(episode: &mut Episode, table: &'static Table) {
    let tx = episode.store().transaction().unwrap();
    let first = tx.get(table, 1).unwrap().unwrap();
    let mut cells = first.cells().to_vec();
    cells[0] = Cell::Integer(i64::MAX);
    tx.write(&Row::new(table, cells)).unwrap();
    tx.commit().unwrap();
}

/// The call fails by no fault of its own: it is answered with a number, changes nothing, and the next one works.
#[track_caller]
fn fails(episode: &mut Episode, tool: &str, arguments: Value) {
    let before = tables(episode);
    let number = journal(episode).len() + 1;
    let outcome = call(episode, tool, arguments.clone());
    let answer = halt(&outcome, "FAULT");
    let message = answer["message"].as_str().unwrap();
    assert_eq!(message, format!("The server failed (fault-{number}); nothing was written."));
    // Opaque: nothing of what went wrong inside.
    for inside in ["sqlite", "SQL", "panic", "boom", "INSERT", ".rs"] {
        assert!(!outcome.text.contains(inside), "{}", outcome.text);
    }
    assert_eq!(tables(episode), before);
    let entry = last(episode);
    assert_eq!((entry.call, entry.outcome.as_str(), entry.changes.as_str()), (number as i64, "FAULT", "[]"));
    assert_eq!((entry.answer, entry.arguments), (outcome.text, arguments.to_string()));
    let next = json!({ "title": "T", "work_type": "repair", "created_by_user": "6" });
    success(&call(episode, "create_workorder", next));
    assert_eq!(last(episode).call, number as i64 + 1);
    assert_eq!(episode.store().integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_failing_write_is_a_fault_that_changes_nothing() {
    let mut episode = episode_with("all", acting("6"));
    exhaust(&mut episode, &WORKAROUNDS);
    let workaround = json!({ "incident_id": "27", "effectiveness_level": "full_mitigation", "implemented_at": NOW });
    fails(&mut episode, "record_workaround", workaround);
    exhaust(&mut episode, &INCIDENT_UPDATES);
    fails(&mut episode, "update_incident", json!({ "incident_id": "27", "change_set": { "status": "closed" } }));
}

/// The record is written already when its audit entry fails.
#[test]
fn a_fault_half_way_undoes_the_first_half() {
    let settings = Settings { audit: Some(Audit::Automatic), ..acting("6") };
    let mut episode = episode_with("all", settings);
    exhaust(&mut episode, &AUDIT_LOGS);
    let before = tables(&mut episode);
    let note = json!({ "incident_id": "27", "note": "N" });
    halt(&call(&mut episode, "add_incident_update", note), "FAULT");
    assert_eq!(tables(&mut episode), before);
    success(&call(&mut episode, "transfer_to_human", json!({ "summary": "Audit is broken." })));
}

/// An action that writes and then panics.
struct Panicking;

impl Prepared for Panicking {
    fn compute(&self, _: &Call<'_>) -> action::Result<Vec<Value>> {
        Ok(Vec::new())
    }
    fn run(self: Box<Self>, permit: &Permit<'_>) -> action::Result<Value> {
        let cells = vec![("requested_by_user", Cell::Integer(6)), ("summary", "x".into()), ("created_at", NOW.into())];
        permit.insert(&TRANSFERS, cells)?;
        panic!("boom");
    }
}

#[test]
fn a_panic_is_a_fault_that_changes_nothing() {
    let mut policy = policy::load(&Source::Embedded, "all").unwrap();
    let tool = policy.tools.iter_mut().find(|tool| tool.name == "transfer_to_human").unwrap();
    let Work::Act(act) = &mut tool.work else { panic!("transfer_to_human is an action") };
    let whole = act.operation;
    act.operation = Box::leak(Box::new(Operation {
        name: whole.name,
        inputs: whole.inputs,
        record: whole.record,
        effect: whole.effect,
        actor: whole.actor,
        actor_fallback: whole.actor_fallback,
        computed: whole.computed,
        body: Body::Coded { answer: serde_json::Map::new, prepare: |_| Ok(Box::new(Panicking)) },
    }));
    let mut episode = Episode::on_image(Arc::new(policy), support::image(), &acting("6")).unwrap();
    for _ in 0..2 {
        fails(&mut episode, "transfer_to_human", json!({ "summary": "Help." }));
    }
}
